"""Words of the knowledge base by locale: names of categories and sections, titles and sentences of articles.

Here: data only, composed for this stand-in. Not here: how an article is put together (``guide_prose``).
``{p}`` is a product, ``{o}`` an order number.
"""

from dataclasses import dataclass

from migration_pipeline.sandbox.zendesk.world.vocabulary import ENGLISH, FRENCH, GERMAN


@dataclass(frozen=True)
class GuideWords:
    """What one locale of the help center brings; names at one place of a tuple mean the same in every locale."""

    locale: str
    categories: tuple[str, ...]
    sections: tuple[str, ...]
    titles: tuple[str, ...]
    headings: tuple[str, ...]
    sentences: tuple[str, ...]
    description: str


EN = GuideWords(
    "en-us",
    ("Getting started", "Orders & shipping", "Devices", "Billing", "Account", "For partners", "Acme Café"),
    (
        "First steps",
        "Set-up",
        "Wireless",
        "Router models",
        "Models before 2020",
        "Delivery",
        "Returns",
        "Repairs",
        "Invoices",
        "Passwords",
        "Release notes",
        "Policies",
    ),
    (
        "How to reset your {p}",
        "Returning a {p}",
        "Delivery times & costs",
        "What is <new> in {p}?",
        "Change your password",
        "Troubleshooting: {p} does not start",
        "Reading your invoice",
        "Warranty of the {p}",
        "Cleaning the {p}",
        "Setting up the {p} in 5 minutes ☕",
        "Internal: how we refund {o}",
        "Contact us",
    ),
    ("Before you begin", "Step by step", "If that does not help", "Questions & answers", "Details", "History"),
    (*ENGLISH.agent, *ENGLISH.note),
    "All about this subject",
)
DE = GuideWords(
    "de",
    (
        "Erste Schritte",
        "Bestellung & Versand",
        "Geräte",
        "Abrechnung",
        "Ihr Konto",
        "Für Partner",
        "Acme Café & Öfen",
    ),
    (
        "Loslegen",
        "Einrichtung",
        "WLAN",
        "Router-Modelle",
        "Modelle vor 2020",
        "Lieferung",
        "Rückgabe",
        "Reparatur",
        "Rechnungen",
        "Passwörter",
        "Versionshinweise",
        "Richtlinien",
    ),
    (
        "{p} zurücksetzen",
        "{p} zurückgeben",
        "Lieferzeiten & Kosten",
        "Was ist <neu> am {p}?",
        "Passwort ändern",
        "Störung: {p} startet nicht",
        "Ihre Rechnung verstehen",
        "Gewährleistung für {p}",
        "{p} reinigen",
        "{p} in fünf Minuten einrichten ☕",
        "Intern: Erstattung von {o}",
        "So erreichen Sie uns",
    ),
    (
        "Bevor Sie beginnen",
        "Schritt für Schritt",
        "Wenn das nicht hilft",
        "Fragen & Antworten",
        "Näheres",
        "Änderungen",
    ),
    (*GERMAN.agent, *GERMAN.note),
    "Alles über dieses Thema",
)
FR = GuideWords(
    "fr",
    ("Premiers pas", "Commandes et livraison", "Appareils", "Facturation", "Compte", "Partenaires", "Acme Café"),
    (
        "Démarrer",
        "Installation",
        "Sans fil",
        "Modèles de routeur",
        "Modèles d'avant 2020",
        "Livraison",
        "Retours",
        "Réparations",
        "Factures",
        "Mots de passe",
        "Nouveautés",
        "Règles",
    ),
    (
        "Réinitialiser le {p}",
        "Renvoyer le {p}",
        "Délais et frais de livraison",
        "Quoi de <neuf> pour {p} ?",
        "Changer de mot de passe",
        "Dépannage : {p} ne démarre pas",
        "Lire votre facture",
        "Garantie du {p}",
        "Nettoyer le {p}",
        "Installer le {p} en cinq minutes ☕",
        "Interne : rembourser {o}",
        "Nous contacter",
    ),
    ("Avant de commencer", "Pas à pas", "Si cela ne suffit pas", "Questions et réponses", "Détails", "Historique"),
    (*FRENCH.agent, *FRENCH.note),
    "Tout sur ce sujet",
)
WORDS: dict[str, GuideWords] = {words.locale: words for words in (EN, DE, FR)}
LOCALES: tuple[str, ...] = tuple(WORDS)
DEFAULT_LOCALE = LOCALES[0]
LABELS: tuple[str, ...] = ("howto", "refund", "Versand", "wifi", "faq", "internal-only", "été", "v2", "legacy")
CONTENT_TAGS: tuple[str, ...] = ("Coffee", "Wireless", "Garantie", "Black Friday", "中文", "deprecated")
