"""The SCIM 2.0 service provider: sources push people and groups (RFC 7643, RFC 7644, RFC 9865)."""
