#!/usr/bin/env python3
"""Opens the epochs in data/sts2-channel.json from the rules of docs/protocol.md, "Channels", alone.

The rest of the second implementation that vectors_check.py is. Exits with 1 at the first byte that
differs, and where anything opens that was altered.
"""
import hashlib
import hmac
import json
import pathlib
import struct
import sys

from vectors_check import BASE, P, Reader, Symmetric, blake2b, check, nonce_of, open_, seal, tag, unhex, x25519

# --- Ed25519 (RFC 8032) --------------------------------------------------------------------------

D = -121665 * pow(121666, P - 2, P) % P
ORDER = 2**252 + 27742317777372353535851937790883648493


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(n, p):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = add(out, p)
        p, n = add(p, p), n >> 1
    return out


def same(p, q):
    return not (p[0] * q[2] - q[0] * p[2]) % P and not (p[1] * q[2] - q[1] * p[2]) % P


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (not x and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def compress(p):
    x, y = (c * pow(p[2], P - 2, P) % P for c in p[:2])
    return (y | (x & 1) << 255).to_bytes(32, "little")


GENERATOR = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def public_from_seed(seed):
    half = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return compress(multiply(half & ~7 & (1 << 254) - 1 | 1 << 254, GENERATOR))


def verify(public, message, signature):
    r, s, a = decompress(signature[:32]), int.from_bytes(signature[32:], "little"), decompress(public)
    if r is None or a is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return same(multiply(s, GENERATOR), add(r, multiply(k, a)))


# --- Keys ----------------------------------------------------------------------------------------


def kdf(key, label, data):
    return hmac.new(key, label + data, hashlib.blake2b).digest()[:32]


def refuses(key, counter, ad, sealed):
    return tag(key, nonce_of(counter), ad, sealed[:-16]) != sealed[-16:]


def altered(data, at=-1):
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)


# --- Key packets ---------------------------------------------------------------------------------

KEYS, MESSAGE, WILL = 0x10, 0x11, 0x12
WRAP = 84


def text(reader):
    return reader.take(int.from_bytes(reader.take(2), "big")).decode()


def parse_header(data):
    reader, out = Reader(data), {}
    out["stream"] = reader.take(8).hex()
    out["epoch"], out["created"] = reader.varint(), reader.varint()
    flags = reader.take(1)[0]
    check(flags & ~3, 0, "flags")
    if flags & 1:
        out["signing_key"] = reader.take(32).hex()
    if flags & 2:
        out["before"] = {"key_id": reader.take(8).hex(), "finals": {}}
        for _ in range(reader.varint()):
            name = text(reader)
            out["before"]["finals"][name] = reader.varint()
    check(reader.data, b"", "end of the header")
    return out


def wrap_state(header, sender, reader):
    state = Symmetric(b"Kpsk0", b"STS 2 wrap" + blake2b(header))
    state.mix_hash(sender)
    state.mix_hash(reader)
    return state


def write_wrap(header, sender, reader, psk, ephemeral, key):
    """The sender's side; `sender` is its private key, `reader` the other's public one."""
    state = wrap_state(header, x25519(sender, BASE), reader)
    state.mix_key_and_hash(psk)
    state.mix_e(x25519(ephemeral, BASE))
    state.mix_key(x25519(ephemeral, reader))
    state.mix_key(x25519(sender, reader))
    return x25519(ephemeral, BASE) + state.encrypt(key)


def read_wrap(header, sender, reader, psk, message):
    """The reader's side: the key that seals the payload, its associated data, and the payload."""
    state = wrap_state(header, sender, x25519(reader, BASE))
    state.mix_key_and_hash(psk)
    state.mix_e(message[:32])
    state.mix_key(x25519(reader, message[:32]))
    state.mix_key(x25519(reader, sender))
    return state.k, state.h, message[32:]


def check_packet(epoch, sender, readers, prefix):
    payload = unhex(epoch["key_packet"]["payload"])
    reader = Reader(payload[1:])
    check(payload[0], KEYS, "type of a key packet")
    header = reader.take(reader.varint())
    check(header.hex(), epoch["header"], "header")
    fields = parse_header(header)
    for name in ("stream", "epoch", "created", "signing_key", "before"):
        check(fields.get(name), epoch.get(name), name)
    key, secret = unhex(epoch["key"]), unhex(sender["private_key"])
    check(kdf(key, b"STS 2 key id", header)[:8].hex(), epoch["key_id"], "key id")
    check(epoch["key_packet"]["topic"], f"{prefix}/{sender['id']}/{epoch['key_id']}", "topic")
    if "signing_key" in epoch:
        seed = kdf(secret, b"STS 2 signing key", b"")
        check(public_from_seed(seed).hex(), epoch["signing_key"], "signing key")

    topic = epoch["key_packet"]["topic"].encode()
    marked = bytes([epoch["use"]]) + struct.pack(">H", len(topic)) + topic + blake2b(header)
    check(reader.take(16), kdf(secret, b"STS 2 mark", marked)[:16], "mark")
    wraps = [reader.take(WRAP) for _ in range(len(reader.data) // WRAP)]
    check(reader.data, b"", "end of the key packet")
    hints = []
    for one in readers:
        shared = x25519(unhex(one["private_key"]), unhex(sender["public_key"]))
        hints.append(kdf(shared, b"STS 2 hint", blake2b(header))[:4])
    check([wrap[:4] for wrap in wraps], hints, "hints")
    for one, wrap, ephemeral in zip(readers, wraps, epoch["ephemeral_private_keys"]):
        psk = unhex(one.get("psk", "00" * 32))
        ours = unhex(one["private_key"]), psk
        k, h, sealed = read_wrap(header, unhex(sender["public_key"]), *ours, wrap[4:])
        check(open_(k, 0, h, sealed), key, "epoch key")
        written = write_wrap(header, secret, unhex(one["public_key"]), psk, unhex(ephemeral), key)
        check(written, wrap[4:], "wrap")
        for wrong in (
            (altered(header), unhex(sender["public_key"]), *ours, wrap[4:]),
            (header, unhex(readers[0]["public_key"]), *ours, wrap[4:]),
            (header, unhex(sender["public_key"]), ours[0], altered(psk), wrap[4:]),
            (header, unhex(sender["public_key"]), *ours, altered(wrap[4:])),
            (header, unhex(sender["public_key"]), *ours, altered(wrap[4:], 0)),
        ):
            k, h, sealed = read_wrap(*wrong)
            check(refuses(k, 0, h, sealed), True, "an altered wrap is refused")


# --- Messages and wills --------------------------------------------------------------------------

PADDING, DATA, SIZED, PING = 0, 2, 3, 6
TIME, RETAINED, CONTENT_TYPE, USER_PROPERTY, ONLINE, RESEALED, DURABLE = range(0x10, 0x17)


def parse_content(data):
    reader, out = Reader(data), {}

    def once(name, value):
        check(name in out, False, f"a second {name}")
        out[name] = value

    def string():
        return reader.take(reader.varint()).decode()

    while reader.data:
        kind = reader.take(1)[0]
        if kind == PADDING:
            check(reader.take(len(reader.data)).strip(b"\0"), b"", "padding")
        elif kind == DATA:
            once("payload", reader.take(len(reader.data)).decode())
        elif kind == SIZED:
            once("payload", string())
        elif kind == PING:
            once("ping", True)
        elif kind == ONLINE:
            once("online", reader.take(16).hex())
        elif kind == TIME:
            once("time", reader.varint())
        elif kind == RETAINED:
            once("retained", True)
        elif kind == RESEALED:
            once("resealed", {"stream": reader.take(8).hex(), "epoch": reader.varint(), "counter": reader.varint()})
        elif kind == DURABLE:
            once("durable", {"stream": reader.take(8).hex(), "number": reader.varint()})
        elif kind == CONTENT_TYPE:
            once("content_type", string())
        elif kind == USER_PROPERTY:
            out.setdefault("user_properties", []).append([string(), string()])
        else:
            sys.exit(f"unknown record {kind}")
    check(sum(name in out for name in ("payload", "ping", "online")), 1, "bodies")
    check("durable" in out and "payload" not in out, False, "durable without a payload")
    check("resealed" in out and "retained" not in out, False, "resealed and not retained")
    return out


def check_frame(epoch, frame, nexts, what):
    payload, topic, key = unhex(frame["payload"]), frame["topic"], unhex(epoch["key"])
    reader, counter = Reader(payload[1:]), 0
    check(reader.take(8).hex(), epoch["key_id"], what)
    if payload[0] == WILL:
        check(frame["type"], "WILL", what)
        message_key = kdf(key, b"STS 2 will", reader.take(16) + topic.encode())
    else:
        check((payload[0], frame["type"]), (MESSAGE, "MESSAGE"), what)
        counter = reader.varint()
        check(counter, frame["counter"], what)
        check(counter >= nexts.get(topic, 0), True, f"{what}, counters grow")
        nexts[topic] = counter + 1
        message_key = kdf(key, b"STS 2 topic", topic.encode())
    check(message_key.hex(), frame["key"], f"{what}, key")
    header, ciphertext = payload[: len(payload) - len(reader.data)], reader.data
    if "signing_key" in epoch:
        ciphertext, signature = ciphertext[:-64], ciphertext[-64:]
        public, name = unhex(epoch["signing_key"]), topic.encode()
        signed = b"STS 2 message" + struct.pack(">H", len(name)) + name + header + ciphertext
        check(verify(public, signed, signature), True, f"{what}, signature")
        for wrong in ((public, altered(signed), signature), (public, signed, altered(signature, 0)),
                      (public, signed, altered(signature, 32)), (altered(public), signed, signature)):
            check(verify(*wrong), False, f"{what}, an altered one is refused")
    plaintext = open_(message_key, counter, header, ciphertext)
    check(plaintext.hex(), frame["plaintext"], what)
    check(seal(message_key, counter, header, plaintext), ciphertext, what)
    check(parse_content(plaintext), frame["meaning"], what)
    elsewhere = kdf(key, b"STS 2 topic", topic.encode() + b"/other")
    for wrong in ((elsewhere, counter, header, ciphertext), (message_key, counter + 1, header, ciphertext),
                  (message_key, counter, altered(header), ciphertext),
                  (message_key, counter, header, altered(ciphertext)),
                  (message_key, counter, header, altered(ciphertext, 0))):
        check(refuses(*wrong), True, f"{what}, an altered one is refused")


def main():
    path = pathlib.Path(__file__).parent / "data/sts2-channel.json"
    if len(sys.argv) > 1:
        path = pathlib.Path(sys.argv[1])
    vectors = json.loads(path.read_text())
    # RFC 8032, 7.1, test 2
    public = unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    check(public_from_seed(unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")),
          public, "Ed25519")
    check(verify(public, b"\x72", unhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")), True, "Ed25519")

    sender = vectors["sender"]
    for pair in (sender, *vectors["readers"]):
        check(x25519(unhex(pair["private_key"]), BASE).hex(), pair["public_key"], "public key")
    check(blake2b(b"STS 2 sender" + unhex(sender["public_key"]))[:8].hex(), sender["id"], "sender id")
    last, packets, frames = {}, {}, 0
    for epoch in vectors["epochs"]:
        number = epoch["epoch"]
        prefix = epoch["key_packet"]["topic"].rsplit("/", 2)[0]
        check_packet(epoch, sender, vectors["readers"], prefix)
        check(epoch["removed"], packets.get(epoch["stream"], []), f"epoch {number}, removed")
        packets[epoch["stream"]] = [epoch["key_packet"]["topic"]]
        # The header tells how the epoch before of the same stream ended.
        check(epoch.get("before"), last.get(epoch["stream"]), f"epoch {number}, finals")
        nexts = {}
        for n, frame in enumerate(epoch["frames"]):
            check_frame(epoch, frame, nexts, f"epoch {number}, frame {n}")
        last[epoch["stream"]] = {"key_id": epoch["key_id"], "finals": nexts}
        frames += len(epoch["frames"])
    print(f"{len(vectors['epochs'])} key packets and {frames} frames are as the specification says")


if __name__ == "__main__":
    main()
