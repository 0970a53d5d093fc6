"""Names for everything."""

from __future__ import annotations

# e-mail and name by user id, from 1: one administrator, two of support, then customers
PEOPLE = (
    ("boss@shop.example", "Ada Boss"),
    ("sam@shop.example", "Sam Support"),
    ("sue@shop.example", "Sue Support"),
    ("karl@mail.example", "Karl Abel"),
    ("jörg@mail.example", "Jörg Müller"),
    ("ana+shop@mail.example", "Ana Prieto"),
    ("lea+web@mail.example", "Léa Petit"),
    ("omar@mail.example", "Omar Haddad"),
    *((f"customer{number}@mail.example", f"Customer {number}") for number in range(9, 31)),
)
CATEGORIES = (
    ("kitchen", "Kitchen", None),
    ("garden", "Garden", None),
    ("office", "Office", None),
    ("books", "Books", None),
    ("knives", "Knives", 1),
    ("pots", "Pots & pans", 1),
    ("tools", "Garden tools", 2),
    ("paper", "Paper", 3),
)
ADJECTIVES = ("Small", "Large", "Blue", "Steel", "Folding", "Café", "Oak", "Classic", "Travel", "Señor")
NOUNS = ("Kettle", "Spade", "Stapler", "Novel", "Knife", "Pan", "Rake", "Notebook")
TAGS = ("new", "sale", "gift", "eco", "bestseller", "limited")
STREETS = ("Main Street", "Station Road", "Park Lane", "Rue du Lac", "Hauptstraße")
CITIES = (("Berlin", "10115", "DE"), ("Wien", "1010", "AT"), ("Zürich", "8001", "CH"), ("Lyon", "69001", "FR"))
SUBJECTS = ("Where is my parcel?", "Wrong item", "Broken on arrival", "Question about an invoice")
OPINIONS = ("Does what it should.", "Würde ich wieder kaufen.", "Not as sturdy as it looks.", "A fine present.")
