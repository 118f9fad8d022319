"""docs/vendors.md says what the profiles say."""

from lastday.connectors.scim.vendor_profile import load_vendor, vendors, vendors_without_scim
from tests.docs.vendor_page import PAGE, page


def test_the_page_is_up_to_date():
    """A buyer reads the page, the connector reads the files: `python -m tests.docs.vendor_page` makes them agree."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_page_names_every_vendor_and_every_source():
    """Nothing is shown without where it was read."""
    text = page()
    for name in vendors():
        profile = load_vendor(name)
        assert f"## {profile.title}\n" in text
        assert profile.disable.source in text
        assert all(destroyed in text for destroyed in profile.disable.destroys)
    assert all(vendor.title in text for vendor in vendors_without_scim())
