"""What the tests share: people, pages, processes, tables of rows."""
