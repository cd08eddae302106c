"""DynamoDB: tables, and each commit as one transaction of at most a hundred conditional writes."""

from adapters.dynamodb.opening import open_dynamodb

__all__ = ["open_dynamodb"]
