"""One test module for each reporter."""
