"""What people read: built from what is stored, changing nothing."""
