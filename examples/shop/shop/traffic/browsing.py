"""Looking around, with and without an account."""

from __future__ import annotations

from urllib.parse import quote

from .person import Person

WORDS = ("kettle", "café", "señor", "blue", "knife", "naïve", "nothing-like-that", "oak", "straße")


def look_around(me: Person) -> None:
    me.get("/health", anonymous=True)
    me.get("/version", anonymous=True)
    me.get("/ready", anonymous=True)
    me.get("/api/time")
    me.get("/api/catalogue/categories")
    slug = me.chance.choice(("kitchen", "garden", "office", "books", "knives"))
    me.get(f"/api/catalogue/categories/{slug}")
    me.get("/api/catalogue/categories/submarines")
    me.get("/api/catalogue/tags")
    me.get("/api/catalogue/recommended")


def page_through(me: Person) -> None:
    sort = me.chance.choice(("name", "price", "-price"))
    first = me.get(f"/api/catalogue/products?sort={sort}")
    for page in range(2, min(4, first.data.get("pages", 1) + 1)):
        me.get(f"/api/catalogue/products?sort={sort}&page={page}")
    me.get(f"/api/catalogue/products?category=kitchen&max_price={me.chance.randint(20, 120)}")
    me.get("/api/catalogue/products?sort=colour")
    me.get("/api/catalogue/products?page=0")
    remember(me, first.items())


def remember(me: Person, rows: list[dict[str, object]]) -> None:
    me.facts["products"] = [row["id"] for row in rows] or me.facts.get("products", [1])


def some_product(me: Person) -> int:
    if "products" not in me.facts:
        remember(me, me.get("/api/catalogue/products?sort=name&per_page=30").items())
    return int(me.chance.choice(me.facts["products"]))


def inspect(me: Person) -> None:
    for _ in range(2):
        product_id = some_product(me)
        sku = me.get(f"/api/catalogue/products/{product_id}").data.get("sku", "KET-0001")
        me.get(f"/api/catalogue/products/by-sku/{sku.lower()}")
    me.get(f"/api/catalogue/products/{product_id}/related")
    me.get(f"/api/products/{me.chance.randint(1, 10)}/reviews")
    me.get(f"/api/stock/{me.chance.choice((60, 80))}")
    missing = me.chance.randint(900_000, 999_999)
    me.get(f"/api/catalogue/products/{missing}")
    me.get(f"/api/catalogue/products/{missing}/related")
    me.get("/api/catalogue/products/by-sku/NONE-1")
    me.get(f"/api/stock/{missing}")


def search(me: Person) -> None:
    for word in me.chance.sample(WORDS, 4):
        me.get(f"/api/catalogue/search?q={quote(word)}", anonymous=me.now_and_then(0.3))
    me.get("/api/catalogue/search")
    me.get("/api/catalogue/suggest?q=bl")
    me.get("/api/catalogue/suggest?q=b")


def mirror(me: Person) -> None:
    """Walks the feed by cursor."""
    cursor = me.get("/api/catalogue/feed").data.get("next_cursor")
    for _ in range(me.chance.randint(2, 3)):
        if not cursor:
            break
        cursor = me.get(f"/api/catalogue/feed?cursor={cursor}").data.get("next_cursor")
    me.get("/api/catalogue/feed?cursor=bm9wZQ")


def compare(me: Person) -> None:
    first, second = some_product(me), some_product(me)
    me.post("/api/catalogue/compare", {"product_ids": [first, second]})
    me.post("/api/catalogue/compare", {"product_ids": [first, 987_654]})
    me.post("/api/catalogue/compare", {"product_ids": "all"})


def postage(me: Person) -> None:
    me.get("/api/shipping/zones")
    me.post("/api/shipping/quotes", {"country": "FR", "weight_grams": me.chance.randint(100, 9000)})
    me.post("/api/shipping/quotes", {"country": me.chance.choice(("DE", "CH", "US"))})
    me.post("/api/shipping/quotes", {"country": "Germany"})


def coupons(me: Person) -> None:
    for amount in (f"{me.chance.randint(20, 300)}.50", "19.99"):
        me.get(f"/api/coupons/WELCOME10/preview?amount={amount}")
        me.get(f"/api/coupons/FIVER/preview?amount={amount}")
    me.get("/api/coupons/SUMMER24/preview?amount=50.00")
    me.get("/api/coupons/NOSUCH/preview?amount=50.00")
    me.get("/api/coupons/WELCOME10/preview?amount=lots")


def bestsellers(me: Person) -> None:
    """The products that many have reviewed."""
    me.get("/api/catalogue/products?sort=name&per_page=50")
    for product_id in me.chance.sample(range(1, 11), 2):
        first = me.get(f"/api/products/{product_id}/reviews")
        if first.data.get("pages", 1) > 1:
            me.get(f"/api/products/{product_id}/reviews?page=2")
        for row in first.items()[:2]:
            me.get(f"/api/reviews/{row['id']}", anonymous=me.now_and_then(0.3))
    me.get("/api/products/999999/reviews")
