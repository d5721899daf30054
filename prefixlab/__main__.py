"""`python -m prefixlab` is the command `prefixlab`."""

from prefixlab.command import main

if __name__ == "__main__":
    main()
