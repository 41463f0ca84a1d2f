"""The hard controls by subject, one function each, and the table that they are judged by."""
