"""DynamoDB: tables, and each commit as one transaction of at most a hundred conditional writes."""
