"""Taking in what other engines found: their documents, the policies that these name, and the reports made of them."""
