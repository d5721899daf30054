"""`python -m prefixlab`: have the files that the lessons read, and say which backbone they use."""

import sys

from prefixlab import assets, load


def main() -> None:
    try:
        print(f"Ratings in {assets.fetch(assets.RATINGS)}")
        print(f"MiniLM in {assets.fetch(assets.MINILM)}")
        load()
    except ValueError as error:  # says in one sentence what is missing, and the remedy
        sys.exit(str(error))


if __name__ == "__main__":
    main()
