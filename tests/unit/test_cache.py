"""What is kept within a number of bytes."""

from explorer.cache import ByteCache


def kept(cache, keys="abcd"):
    return "".join(key for key in keys if cache.get(key) is not None)


def test_what_nobody_has_asked_for_longest_goes_first():
    cache = ByteCache(10)
    for key in "abc":
        cache.keep(key, key.upper(), 3)
    assert cache.get("a") == "A"
    cache.keep("d", "D", 3)
    assert kept(cache) == "acd"


def test_large_values_take_the_place_of_several_small_ones():
    cache = ByteCache(10)
    for key in "abc":
        cache.keep(key, key, 3)
    cache.keep("d", "d", 7)
    assert kept(cache) == "cd"


def test_a_value_that_alone_is_too_large_is_not_kept_and_the_others_are():
    cache = ByteCache(10)
    cache.keep("a", "a", 10)
    cache.keep("b", "b", 11)
    assert kept(cache) == "a"


def test_a_value_of_the_same_key_replaces_the_earlier_one():
    cache = ByteCache(10)
    cache.keep("a", "old", 6)
    cache.keep("b", "b", 3)
    cache.keep("a", "new", 7)
    assert (cache.get("a"), kept(cache)) == ("new", "ab")


def test_what_is_dropped_is_gone_alone():
    cache = ByteCache(10)
    cache.keep("a", "a", 1)
    cache.keep("b", "b", 1)
    cache.drop("a")
    cache.drop("never there")
    assert kept(cache) == "b"
