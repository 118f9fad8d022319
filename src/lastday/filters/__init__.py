"""The SCIM filter language (RFC 7644 section 3.4.2.2): parse, tree, predicate, SQL. Pure."""
