"""What pages share: badges, links, query strings, CSV files."""
