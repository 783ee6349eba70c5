"""The files of comments: which there are, their names and sizes, and their bytes made on demand.

Here: pure functions from a place to metadata and bytes. Not here: URLs, access and the attachment's JSON.
"""

import random
import struct
import zlib
from dataclasses import dataclass

from migration_pipeline.sandbox.zendesk.world import seeds
from migration_pipeline.sandbox.zendesk.world.ids import FilePlace
from migration_pipeline.sandbox.zendesk.world.seeds import pick
from migration_pipeline.sandbox.zendesk.world.vocabulary import FILE_NAMES, SHARED_FILES

MAX_FILES = 12
INLINE_FROM = 12
THUMBNAIL_FROM = 16
# Files of messages are numbered as if they hung at audits far behind a ticket's last.
TALK_FROM = 8_000


@dataclass(frozen=True, slots=True)
class File:
    """A file of a comment. ``content`` seeds its bytes; ``size`` in bytes."""

    place: FilePlace
    name: str
    mime: str
    size: int
    content: int
    inline: bool = False
    private: bool = False
    malware: bool = False
    redacted: bool = False


def of_comment(
    seed: int, ticket: int, seq: int, inline: int, *, least: int = 0, many: bool = False, big: bool = False
) -> list[File]:
    """The files of a comment: at least ``least`` and at most 12 attached ones, then ``inline`` images (at most 4)."""
    generator = seeds.rng(seed, seeds.FILES, ticket, seq)
    count = MAX_FILES if many else max(_count(generator), least, int(big))
    found = [_attached(generator, seed, FilePlace(ticket, seq, k), big=big and k == 0) for k in range(count)]
    found += [
        File(
            FilePlace(ticket, seq, INLINE_FROM + k),
            "image.png" if k == 0 else f"Bild {k}.png",
            "image/png",
            400 + int(generator.random() ** 3 * 60_000),
            seeds.mix(seed, ticket, seq, 77 + k),
            inline=True,
        )
        for k in range(min(inline, 4))
    ]
    return found


def of_talk(seed: int, ticket: int, number: int) -> File:
    """The file of message ``number`` of a ticket's chat (below 32) or side conversations."""
    name, mime = FILE_NAMES[seeds.mix(seed, ticket, number, 78) % len(FILE_NAMES)]
    if number < 32 and number % 2 == 0:
        name, mime = "photo.jpg", "image/jpeg"
    own = seeds.mix(seed, ticket, number, 79)
    return File(FilePlace(ticket, TALK_FROM + number, 0), name, mime, 200 + own % 20_000, own, private=True)


def thumbnail(file: File) -> File:
    """The small picture that the service makes of an image."""
    place = FilePlace(file.place.ticket, file.place.seq, file.place.position + THUMBNAIL_FROM)
    return File(
        place,
        f"{file.name.rsplit('.', 1)[0]}_thumb.png",
        "image/png",
        300,
        seeds.mix(file.content, 5),
        file.inline,
        file.private,
    )


def is_picture(file: File) -> bool:
    """Whether the service shows width, height and a thumbnail."""
    return file.mime in ("image/png", "image/jpeg") and file.size > 0 and not file.redacted


def content(file: File) -> bytes:
    """The bytes of a file, always the same for the same place."""
    return make_bytes(file.mime, file.size, file.content)


def make_bytes(mime: str, size: int, seed: int) -> bytes:
    """``size`` bytes that look like ``mime`` and depend on ``seed`` alone."""
    generator = random.Random(seed)
    if mime == "image/png" and size >= 120:
        return _png(size, generator)
    if mime.startswith("text/") or mime == "message/rfc822":
        line = f"{generator.randrange(10**9):09d};item;42,50\r\n".encode()
        return (line * (size // len(line) + 1))[:size]
    head = _HEADS.get(mime, b"")[:size]
    return head + generator.randbytes(size - len(head))


_HEADS = {
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01",
    "application/pdf": b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n",
    "application/zip": b"PK\x03\x04\x14\x00",
    "audio/mpeg": b"ID3\x03\x00",
}


def _count(generator: random.Random) -> int:
    chance = generator.random()
    if chance < 0.865:
        return 0
    if chance < 0.955:
        return 1
    if chance < 0.98:
        return 2
    return 3 + int(generator.random() ** 3 * 10)


def _attached(generator: random.Random, seed: int, place: FilePlace, *, big: bool) -> File:
    chance = generator.random()
    if chance < 0.10 and not big:
        number = int(generator.random() * len(SHARED_FILES))
        name, mime = SHARED_FILES[number]
        return File(place, name, mime, 900 + number * 3_517, seeds.mix(seed, 4242, number))
    name, mime = pick(generator, FILE_NAMES)
    size = min(200_000, max(1, int(generator.lognormvariate(8.6, 1.3))))
    if big:
        size = 1_000_000 + int(generator.random() * 3_000_000)
    elif chance > 0.985:
        size = 0
    own = seeds.mix(seed, place.id, 1)
    return File(place, name, mime, size, own, private=0.12 < chance < 0.20, malware=0.12 < chance < 0.13)


def _png(size: int, generator: random.Random) -> bytes:
    """A true 2x2 picture, filled up to ``size`` by a private chunk that viewers skip."""
    colours = b"".join(b"\x00" + generator.randbytes(6) for _ in range(2))
    parts = [_chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)), _chunk(b"IDAT", zlib.compress(colours, 0))]
    end = _chunk(b"IEND", b"")
    room = size - 8 - sum(map(len, parts)) - len(end) - 12
    return b"\x89PNG\r\n\x1a\n" + parts[0] + _chunk(b"raNd", generator.randbytes(room)) + parts[1] + end


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
