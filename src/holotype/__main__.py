"""`python -m holotype`: the `holotype` command, where its script is not on the path."""

from holotype.cli import main

if __name__ == "__main__":
    main()
