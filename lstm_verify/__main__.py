"""`python -m lstm_verify`."""

from lstm_verify.cli import main

main()
