"""What every connector is made of: protocols, manifest, HTTP, delimited files, whole readings, conformance."""
