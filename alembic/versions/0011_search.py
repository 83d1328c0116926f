r"""Search of products by the words of names, keys, and their images' file names and alt texts.

A word is a run of letters and digits, in lower case, without accents, prefixed by its store's number: `15/zapato`. So
one index serves every store, and a search reads one store's words. The functions define letters and lower case
themselves, so results are the same in every database: in the C locale PostgreSQL knows only ASCII letters.

Additive: the previous version works with this schema too.

Revision: 0011
Follows: 0010
"""

import unicodedata
from itertools import chain

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MAX_TEXT = 10_000  # indexed characters of a text: a tsvector holds 1 MB
# A word of a tsvector has at most 2,046 bytes: longer runs, in languages without spaces, are split.
SAFE_BYTES, PIECE = 2_000, 60
# All characters but letters, digits and marks, as ranges of a regular expression.
BETWEEN = (
    r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B1\u00B4\u00B6-\u00B8\u00BB\u00BF\u00D7\u00F7"
    r"\u1680\u2000-\u206F\u20A0-\u20CF\u2190-\u245F\u2500-\u2BFF\u2E00-\u2E7F\u3000-\u3004\u3008-\u3020\u3030\u303D"
    r"\u30FB\uFE10-\uFE1F\uFE30-\uFE6F\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\uFFE0-\uFFFF"
    r"\U0001F000-\U0001FAFF"
)
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Latin, Greek, Cyrillic and Armenian, and Latin at full width: their Unicode data no longer changes.
LETTERS = chain(range(0xC0, 0x58F), range(0x1E00, 0x2000), range(0xFF21, 0xFF5B))
COMBINING = "".join(map(chr, range(0x300, 0x370)))


def plain_letters() -> tuple[str, str]:
    """Letters, and their lower case without accents: two texts of the same length. The most frequent come first,
    because `translate` searches linearly.
    """
    pairs = [(letter, letter.lower()) for letter in CAPITALS.lower() + CAPITALS]
    for letter in map(chr, LETTERS):
        apart = unicodedata.normalize("NFKD", letter.casefold())
        plain = "".join(each for each in apart if not unicodedata.combining(each))
        if len(plain) == 1 and plain != letter and unicodedata.category(letter).startswith("L"):
            pairs.append((letter, plain))
    return "".join(letter for letter, _ in pairs), "".join(plain for _, plain in pairs)


LETTERS_BEFORE, LETTERS_AFTER = plain_letters()
FUNCTION = "LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN"
# `translate` drops characters without a counterpart. ASCII texts, the majority, take a fifth of the time.
SEARCH_WORDS = rf"""
CREATE FUNCTION search_words(store_id bigint, said text) RETURNS tsvector {FUNCTION}
regexp_replace(
    ' ' || CASE
        WHEN octet_length(said) = length(said) AND octet_length(said) < {SAFE_BYTES}
        THEN translate(said, '{CAPITALS}', '{CAPITALS.lower()}')
        ELSE regexp_replace(
            translate(left(said, {MAX_TEXT}), '{LETTERS_BEFORE}{COMBINING}', '{LETTERS_AFTER}'),
            '([^{BETWEEN}]{{{PIECE}}})', '\1 ', 'g'
        )
    END,
    '[{BETWEEN}]+', ' ' || store_id || '/', 'g'
)::tsvector"""
# Searches each word as a prefix; null if there are no words.
SEARCH_QUERY = f"""
CREATE FUNCTION search_query(store_id bigint, said text) RETURNS tsquery {FUNCTION} (
    SELECT string_agg(quote_literal(word) || ':*', ' & ')::tsquery
    FROM unnest(tsvector_to_array(search_words(store_id, said))) AS word
    WHERE word <> store_id || '/'
)"""  # noqa: S608 - only constants
# The texts in a JSON string, or in a map of language to string.
SEARCH_TEXTS = rf"""
CREATE FUNCTION search_texts(said jsonb) RETURNS text {FUNCTION}
regexp_replace(
    jsonb_path_query_array(said, '$.** ? (@.type() == "string")')::text, '\\(u[0-9a-f]{{4}}|.)', ' ', 'g'
)"""
PRODUCT_WORDS = f"""
CREATE FUNCTION product_words(store_id bigint, key text, name jsonb) RETURNS tsvector {FUNCTION}
search_words(store_id, coalesce(key, '') || ' ' || coalesce(search_texts(name), ''))"""
IMAGE_WORDS = f"""
CREATE FUNCTION image_words(store_id bigint, filename text, alt jsonb) RETURNS tsvector {FUNCTION}
search_words(store_id, CASE WHEN alt IS NULL THEN filename ELSE filename || ' ' || search_texts(alt) END)"""


def upgrade() -> None:
    for function in (SEARCH_WORDS, SEARCH_QUERY, SEARCH_TEXTS, PRODUCT_WORDS, IMAGE_WORDS):
        op.execute(sa.text(function.replace(":", r"\:")))
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # CONCURRENTLY waits for other transactions and blocks none
        for name in ("products_search", "images_search"):
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # left invalid by an interrupted attempt
        # Without a pending list, which every search scans and some writes have to flush.
        at_once = {"fastupdate": "off"}
        op.create_index(
            "products_search",
            "products",
            [sa.text("product_words(store_id, key, name)")],
            postgresql_using="gin",
            postgresql_with=at_once,
            postgresql_concurrently=True,
        )
        op.create_index(
            "images_search",
            "images",
            [sa.text("image_words(store_id, filename, alt)")],
            postgresql_using="gin",
            postgresql_with=at_once,
            postgresql_where=sa.text("product_id IS NOT NULL"),
            postgresql_concurrently=True,
        )
        op.execute("SET lock_timeout = '2s'")


def downgrade() -> None:
    op.drop_index("images_search", table_name="images")
    op.drop_index("products_search", table_name="products")
    op.execute("DROP FUNCTION image_words, product_words, search_texts, search_query, search_words")
