"""`python -m modelops` is the `modelops` command."""

from modelops.cli.main import main

if __name__ == "__main__":
    main()
