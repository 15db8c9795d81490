"""What proves the speed: each module is a program, `python -m benchmarks` runs the quick ones."""
