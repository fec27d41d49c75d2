"""The APIs of others, spoken in their words over our own rules and verbs; one folder each."""
