"""`python -m prefixlab`: have the files that the lessons read, and say which backbone they use."""

import sys

from prefixlab import load
from prefixlab.data import assets


def main() -> None:
    if sys.argv[1:]:
        sys.exit(f"python -m prefixlab takes no arguments, not {' '.join(sys.argv[1:])}.")
    try:
        print(f"Ratings in {assets.fetch(assets.RATINGS)}")
        print(f"MiniLM in {assets.fetch(assets.MINILM)}")
        load()
    except (ValueError, OSError) as error:  # says in one sentence what is missing, and the remedy
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted: what was fetched whole is kept; start again to go on.")


if __name__ == "__main__":
    main()
