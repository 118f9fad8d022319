"""SCIM as the standards write it, without network, storage and clock."""
