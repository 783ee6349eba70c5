"""The tables of the workspace. JSON columns are text, so that SQLite's JSON functions can search in them."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS contacts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, role TEXT NOT NULL, external_id TEXT, email TEXT,
    phone TEXT, name TEXT, owner_id INTEGER, avatar TEXT, state TEXT NOT NULL DEFAULT 'active', merged_into TEXT,
    born_at REAL NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at REAL,
    signed_up_at INTEGER, last_seen_at INTEGER, last_replied_at INTEGER, last_contacted_at INTEGER,
    unsubscribed INTEGER NOT NULL DEFAULT 0, email_verified INTEGER, custom_attributes TEXT NOT NULL DEFAULT '{}',
    merge_history TEXT NOT NULL DEFAULT '[]');
CREATE INDEX IF NOT EXISTS contacts_external_id ON contacts (external_id);
CREATE INDEX IF NOT EXISTS contacts_email ON contacts (email COLLATE NOCASE);
CREATE INDEX IF NOT EXISTS contacts_phone ON contacts (phone);
CREATE INDEX IF NOT EXISTS contacts_created ON contacts (created_at);
CREATE INDEX IF NOT EXISTS contacts_updated ON contacts (updated_at);
CREATE INDEX IF NOT EXISTS contacts_born ON contacts (born_at, state);

CREATE TABLE IF NOT EXISTS companies (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, company_id TEXT NOT NULL, name TEXT, plan TEXT,
    size INTEGER, website TEXT, industry TEXT, monthly_spend INTEGER, remote_created_at INTEGER,
    last_request_at INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    custom_attributes TEXT NOT NULL DEFAULT '{}');
CREATE UNIQUE INDEX IF NOT EXISTS companies_company_id ON companies (company_id);

CREATE TABLE IF NOT EXISTS contact_companies (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, contact_id TEXT NOT NULL, company_id TEXT NOT NULL,
    UNIQUE (contact_id, company_id));
CREATE INDEX IF NOT EXISTS contact_companies_company ON contact_companies (company_id);

CREATE TABLE IF NOT EXISTS tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, name_key TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS taggings (
    kind TEXT NOT NULL, object_id TEXT NOT NULL, tag_id INTEGER NOT NULL, applied_at INTEGER NOT NULL,
    admin_id INTEGER NOT NULL, PRIMARY KEY (kind, object_id, tag_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS taggings_tag ON taggings (tag_id, kind);

CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, object_id TEXT NOT NULL, admin_id INTEGER,
    body TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS notes_object ON notes (kind, object_id);

CREATE TABLE IF NOT EXISTS data_attributes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, name TEXT NOT NULL, data_type TEXT NOT NULL,
    options TEXT, description TEXT, messenger_writable INTEGER NOT NULL, archived INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS conversation_attributes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, archived INTEGER NOT NULL DEFAULT 0, data TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, born_at REAL NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, title TEXT, state TEXT NOT NULL DEFAULT 'open', read INTEGER NOT NULL DEFAULT 0,
    waiting_since INTEGER, snoozed_until INTEGER, admin_assignee_id INTEGER NOT NULL DEFAULT 0,
    team_assignee_id INTEGER NOT NULL DEFAULT 0, company_id TEXT, first_contact_reply_at INTEGER,
    source TEXT NOT NULL, custom_attributes TEXT NOT NULL DEFAULT '{}',
    ticket_type_id INTEGER, ticket_number INTEGER, ticket_state_id INTEGER, previous_ticket_state_id INTEGER,
    ticket_attributes TEXT, is_shared INTEGER);
CREATE INDEX IF NOT EXISTS conversations_created ON conversations (created_at, id, born_at);
CREATE INDEX IF NOT EXISTS conversations_updated ON conversations (updated_at, id, born_at);
CREATE INDEX IF NOT EXISTS conversations_born ON conversations (born_at);
CREATE INDEX IF NOT EXISTS tickets_created ON conversations (created_at) WHERE ticket_type_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS tickets_updated ON conversations (updated_at) WHERE ticket_type_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS participants (
    conversation_id INTEGER NOT NULL, contact_id TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, contact_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS participants_contact ON participants (contact_id);
CREATE TABLE IF NOT EXISTS parts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, conversation_id INTEGER NOT NULL, created_at INTEGER NOT NULL,
    data TEXT NOT NULL, files TEXT);
CREATE INDEX IF NOT EXISTS parts_conversation ON parts (conversation_id, created_at, id);
CREATE TABLE IF NOT EXISTS deleted_conversations (
    id INTEGER PRIMARY KEY, metrics_retained INTEGER NOT NULL, deleted_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT, conversation_id INTEGER);

CREATE TABLE IF NOT EXISTS ticket_types (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ticket_attributes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, ticket_type_id INTEGER NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ticket_attributes_type ON ticket_attributes (ticket_type_id);
CREATE TABLE IF NOT EXISTS ticket_values (
    attribute_id INTEGER NOT NULL, value TEXT NOT NULL, conversation_id INTEGER NOT NULL,
    PRIMARY KEY (attribute_id, value, conversation_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ticket_values_ticket ON ticket_values (conversation_id);
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, resource_id TEXT NOT NULL, ready_at REAL NOT NULL);

CREATE TABLE IF NOT EXISTS contact_subscriptions (
    contact_id TEXT NOT NULL, type_id TEXT NOT NULL, consent_type TEXT NOT NULL,
    PRIMARY KEY (contact_id, type_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
    ticket_id INTEGER NOT NULL, conversation_id INTEGER NOT NULL, PRIMARY KEY (ticket_id, conversation_id));
CREATE INDEX IF NOT EXISTS links_conversation ON links (conversation_id);

CREATE TABLE IF NOT EXISTS collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT, help_center_id INTEGER NOT NULL, parent_id INTEGER, position INTEGER NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, contents TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS collections_parent ON collections (parent_id);
CREATE TABLE IF NOT EXISTS articles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, born_at REAL NOT NULL, parent_id INTEGER, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, created_by INTEGER NOT NULL, updated_by INTEGER NOT NULL, contents TEXT NOT NULL,
    availability TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS articles_updated ON articles (updated_at);
CREATE TABLE IF NOT EXISTS internal_articles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, body TEXT NOT NULL, body_markdown TEXT,
    author_id INTEGER NOT NULL, owner_id INTEGER NOT NULL, locale TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS redirects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, from_url TEXT NOT NULL UNIQUE, locale TEXT NOT NULL,
    target_type TEXT NOT NULL, target_id INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT NOT NULL, name TEXT NOT NULL, content_type TEXT NOT NULL,
    size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);
"""
FIRST_IDS = {
    "conversations": 215_460_000_000_000,
    "parts": 31_400_000_000,
    "messages": 2_400_000_000,
    "tags": 8_100_000,
    "notes": 17_400_000,
    "data_attributes": 12_800,
    "conversation_attributes": 2_000,
    "ticket_types": 1_200,
    "ticket_attributes": 61_000,
    "jobs": 20,
    "collections": 6_871_000,
    "articles": 9_310_000,
    "internal_articles": 9_340_000,
    "redirects": 25,
}
"""Ids begin where a used workspace's would: beyond 32 bits for conversations and parts, so that no client may assume
small numbers."""
