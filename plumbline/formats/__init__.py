"""What a scan found, as text for people and for machines. Each module has `write(scan, stream)`."""
