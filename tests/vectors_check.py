#!/usr/bin/env python3
"""Opens the sessions in data/sts2-session.json and the token in data/sts2-invite.json from the rules of
docs/protocol.md alone.

A second implementation of STS 2 in plain Python, standard library only, slow and not constant-time:
for checking the test vectors, and for reading beside the specification. Exits with 1 at the first
byte that differs. Channels are in channel_vectors_check.py.
"""
import base64
import hashlib
import hmac
import json
import pathlib
import struct
import sys

# --- X25519 (RFC 7748) ---------------------------------------------------------------------------

P = 2**255 - 19


def x25519(private, public):
    k = int.from_bytes(private, "little") & ~7 & ~(1 << 255) | 1 << 254
    u = int.from_bytes(public, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swapped = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if bit != swapped:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swapped = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


BASE = (9).to_bytes(32, "little")

# --- ChaCha20-Poly1305 (RFC 8439) ----------------------------------------------------------------


def chacha20(key, nonce, counter, data):
    def rotate(x, n):
        return (x << n | x >> 32 - n) & 0xFFFFFFFF

    out = bytearray()
    for at in range(0, len(data), 64):
        block = b"expand 32-byte k" + key + struct.pack("<L", counter) + nonce
        start = struct.unpack("<16L", block)
        x = list(start)
        for n in range(80):
            row, diagonal = n % 4, n // 4 % 2
            a, b, c, d = (4 * i + (row + i * diagonal) % 4 for i in range(4))
            for i, j, k, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[i] = x[i] + x[j] & 0xFFFFFFFF
                x[k] = rotate(x[k] ^ x[i], turn)
        stream = struct.pack("<16L", *(i + j & 0xFFFFFFFF for i, j in zip(x, start)))
        out += bytes(i ^ j for i, j in zip(data[at : at + 64], stream))
        counter += 1
    return bytes(out)


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(data), 16):
        total = (total + int.from_bytes(data[at : at + 16] + b"\1", "little")) * r % (2**130 - 5)
    return (total + int.from_bytes(key[16:], "little") & 2**128 - 1).to_bytes(16, "little")


def tag(key, nonce, ad, ciphertext):
    def padded(data):
        return data + bytes(-len(data) % 16)

    lengths = struct.pack("<QQ", len(ad), len(ciphertext))
    once = chacha20(key, nonce, 0, bytes(64))[:32]
    return poly1305(once, padded(ad) + padded(ciphertext) + lengths)


def nonce_of(counter):
    return bytes(4) + struct.pack("<Q", counter)


def seal(key, counter, ad, plaintext):
    ciphertext = chacha20(key, nonce_of(counter), 1, plaintext)
    return ciphertext + tag(key, nonce_of(counter), ad, ciphertext)


def open_(key, counter, ad, sealed):
    ciphertext = sealed[:-16]
    check(tag(key, nonce_of(counter), ad, ciphertext), sealed[-16:], "tag")
    return chacha20(key, nonce_of(counter), 1, ciphertext)


# --- Noise (revision 34): XXpsk3, and Kpsk0 for wills --------------------------------------------


def blake2b(data):
    return hashlib.blake2b(data).digest()


def hkdf(ck, data, outputs):
    temp = hmac.new(ck, data, hashlib.blake2b).digest()
    out, last = [], b""
    for n in range(1, outputs + 1):
        last = hmac.new(temp, last + bytes([n]), hashlib.blake2b).digest()
        out.append(last)
    return out


class Symmetric:
    def __init__(self, pattern, prologue):
        self.h = b"Noise_" + pattern + b"_25519_ChaChaPoly_BLAKE2b"
        self.h = self.h.ljust(64, b"\0")
        self.ck, self.k, self.n = self.h, None, 0
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.h = blake2b(self.h + data)

    def mix_key(self, data):
        self.ck, key = hkdf(self.ck, data, 2)
        self.k, self.n = key[:32], 0

    def mix_key_and_hash(self, data):
        self.ck, h, key = hkdf(self.ck, data, 3)
        self.mix_hash(h)
        self.k, self.n = key[:32], 0

    def encrypt(self, plaintext):
        out = seal(self.k, self.n, self.h, plaintext)
        self.n += 1
        self.mix_hash(out)
        return out

    def decrypt(self, sealed):
        out = open_(self.k, self.n, self.h, sealed)
        self.n += 1
        self.mix_hash(sealed)
        return out

    def mix_e(self, public):  # with a psk in the pattern e goes into the key too
        self.mix_hash(public)
        self.mix_key(public)


def index(handshake, side):
    return struct.pack(">L", handshake[f"{side}_index"])


def initiator(session, handshake, message_2):
    """Writes messages 1 and 3; returns them, the responder's static key, and the keys."""
    s = unhex(session["initiator"]["private_key"])
    e = unhex(handshake["initiator_ephemeral_private_key"])
    state = Symmetric(b"XXpsk3", unhex(session["prologue"]))
    state.mix_e(x25519(e, BASE))
    message_1 = x25519(e, BASE) + state.encrypt(index(handshake, "initiator"))
    re = message_2[:32]
    state.mix_e(re)
    state.mix_key(x25519(e, re))
    rs = state.decrypt(message_2[32:80])
    state.mix_key(x25519(e, rs))
    check(state.decrypt(message_2[80:]), index(handshake, "responder"), "responder's index")
    message_3 = state.encrypt(x25519(s, BASE))
    state.mix_key(x25519(s, re))
    state.mix_key_and_hash(unhex(session["psk"]))
    message_3 += state.encrypt(unhex(handshake["message_3_payload"]))
    return message_1, message_3, rs, state.h, hkdf(state.ck, b"", 2)


def responder(session, handshake, message_1, message_3):
    """Writes message 2; returns it, the initiator's static key, message 3's payload, the keys."""
    s = unhex(session["responder"]["private_key"])
    e = unhex(handshake["responder_ephemeral_private_key"])
    state = Symmetric(b"XXpsk3", unhex(session["prologue"]))
    re = message_1[:32]
    state.mix_e(re)
    check(state.decrypt(message_1[32:]), index(handshake, "initiator"), "initiator's index")
    message_2 = x25519(e, BASE)
    state.mix_e(message_2)
    state.mix_key(x25519(e, re))
    message_2 += state.encrypt(x25519(s, BASE))
    state.mix_key(x25519(s, re))
    message_2 += state.encrypt(index(handshake, "responder"))
    rs = state.decrypt(message_3[:48])
    state.mix_key(x25519(e, rs))
    state.mix_key_and_hash(unhex(session["psk"]))
    payload = state.decrypt(message_3[48:])
    return message_2, rs, payload, state.h, hkdf(state.ck, b"", 2)


def read_will(own, peer, psk, prologue, message):
    """Noise's responder: the payload of the one message."""
    state = Symmetric(b"Kpsk0", prologue)
    state.mix_hash(peer)
    state.mix_hash(x25519(own, BASE))
    state.mix_key_and_hash(psk)
    state.mix_e(message[:32])
    state.mix_key(x25519(own, message[:32]))
    state.mix_key(x25519(own, peer))
    return state.decrypt(message[32:])


def write_will(own, peer, psk, prologue, e, payload):
    """Noise's initiator."""
    state = Symmetric(b"Kpsk0", prologue)
    state.mix_hash(x25519(own, BASE))
    state.mix_hash(peer)
    state.mix_key_and_hash(psk)
    state.mix_e(x25519(e, BASE))
    state.mix_key(x25519(e, peer))
    state.mix_key(x25519(own, peer))
    return x25519(e, BASE) + state.encrypt(payload)


# --- STS 2 ---------------------------------------------------------------------------------------

HELLO, INITREQ, INITACK, KEYACK, ENC_I, ENC_R, WILL_I, WILL_R = range(1, 9)
PADDING, CONFIRM, DATA, SIZED, RESENT, ACK, PING, END, KILL, VOUCH, WILL = range(11)
SPAN = 2**21
NAMES = ["", "HELLO", "INITREQ", "INITACK", "KEYACK", "ENC", "ENC", "WILL", "WILL"]
SIZES = {HELLO: 5, INITREQ: 53, INITACK: 105}


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, size):
        if size > len(self.data):
            sys.exit("cut short")
        out, self.data = self.data[:size], self.data[size:]
        return out

    def u32(self):
        return int.from_bytes(self.take(4), "big")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value


def parse_resume(data):
    if not data:
        return None
    reader = Reader(data)
    out = reader.take(8), reader.varint(), reader.varint()
    check(reader.data, b"", "end of Resume")
    return out


def parse_records(data):
    out, reader = [], Reader(data)
    while reader.data:
        kind = reader.take(1)[0]
        if kind == PADDING:
            check(reader.take(len(reader.data)).strip(b"\0"), b"", "padding")
        elif kind == CONFIRM:
            out.append((CONFIRM, parse_resume(reader.take(len(reader.data)))))
        elif kind == DATA:
            out.append((DATA, reader.take(len(reader.data))))
        elif kind == SIZED:
            out.append((DATA, reader.take(reader.varint())))
        elif kind in (RESENT, ACK):
            out.append((kind, reader.varint(), reader.varint()))
        elif kind in (PING, END, KILL):
            out.append((kind,))
        elif kind in (VOUCH, WILL):
            out.append((kind, reader.take(16)))
        else:
            sys.exit(f"unknown record {kind}")
    return out


class Stream:
    """The receiver of one direction."""

    def __init__(self, name):
        self.name, self.id, self.base, self.next = name, None, {}, 0
        self.held, self.delivered, self.killed = {}, [], False

    def follow(self, handshake, resume, handshake_hash):
        derived = blake2b(b"STS 2 stream " + self.name + handshake_hash)[:8]
        if resume is None or resume[0] != self.id:
            self.id, self.next, self.held = resume[0] if resume else derived, 0, {}
        self.base[handshake] = resume[1] * SPAN if resume else 0
        if resume:
            self.skip(resume[2])

    def skip(self, first):
        if first > self.next:
            self.accept(first - 1, first - 1 - self.next, [], False)

    def accept(self, number, gap, messages, kill):
        if number < self.next:
            return
        if number - gap > self.next:
            known = self.held.get(number, (0, messages, kill))
            self.held[number] = max(gap, known[0]), *known[1:]
            return
        self.next = number + 1
        self.delivered += messages
        self.killed = self.killed or kill
        # Numbers in the gap held nothing to wait for.
        self.held = {n: item for n, item in self.held.items() if n > number}
        if self.held and min(self.held) - self.held[min(self.held)][0] <= self.next:
            first = min(self.held)
            self.accept(first, *self.held.pop(first))

    def take(self, handshake, counter, records):
        messages = [record[1] for record in records if record[0] == DATA]
        kill = (KILL,) in records
        for record in records:
            if record[0] == RESENT:
                self.accept(record[1], record[2], messages, kill)
                messages, kill = [], False
        self.accept(self.base[handshake] + counter, 0, messages, kill)


def check_session(session):
    topics = [
        session["topic_initiator_to_responder"].encode(),
        session["topic_responder_to_initiator"].encode(),
    ]
    prologue = b"STS 2 session" + b"".join(struct.pack(">H", len(t)) + t for t in topics)
    check(prologue, unhex(session["prologue"]), "prologue")
    for side in ("initiator", "responder"):
        pair = session[side]
        check(x25519(unhex(pair["private_key"]), BASE), unhex(pair["public_key"]), "public key")

    streams = [Stream(b"initiator"), Stream(b"responder")]
    keys, vouched, announced, message_1, message_2 = [], [None, None], [None, None], None, None
    for number, entry in enumerate(session["frames"]):
        frame, what = unhex(entry["frame"]), f"frame {number}"
        kind, reader = frame[0], Reader(frame[1:])
        check(NAMES[kind], entry["type"], what)
        check(entry["from"], "initiator" if kind in (INITREQ, KEYACK, ENC_I, WILL_I) else "responder", what)
        check(len(frame), SIZES.get(kind, len(frame)), what)
        if kind == INITREQ:
            handshake = session["handshakes"][len(keys)]
            message_1 = reader.data
            check_vouched(bool(keys), vouched[0], frame, what)
        elif kind == INITACK:
            check(reader.u32(), handshake["initiator_index"], what)
            message_2 = reader.data
            check_vouched(bool(keys), vouched[1], frame, what)
        elif kind == KEYACK:
            check(reader.u32(), handshake["responder_index"], what)
            one, three, rs, h, split = initiator(session, handshake, message_2)
            check(one, message_1, "message 1")
            check_vouched(bool(keys), vouched[0], frame, what)
            check(three, reader.data, "message 3")
            check(rs, unhex(session["responder"]["public_key"]), "responder's key")
            answer = responder(session, handshake, message_1, reader.data)
            two, rs, payload, other_h, other_split = answer
            check(two, message_2, "message 2")
            check(rs, unhex(session["initiator"]["public_key"]), "initiator's key")
            check((h, split), (other_h, other_split), "both sides")
            check(h, unhex(handshake["handshake_hash"]), "handshake hash")
            keys.append([key[:32] for key in split])
            check(keys[-1][0], unhex(handshake["key_initiator_to_responder"]), "key")
            check(keys[-1][1], unhex(handshake["key_responder_to_initiator"]), "key")
            streams[0].follow(len(keys) - 1, parse_resume(payload), h)
        elif kind in (ENC_I, ENC_R):
            records = check_enc(session, entry, kind - ENC_I, topics, keys, streams, what)
            vouched[kind - ENC_I] = next((r[1] for r in records if r[0] == VOUCH), None)
            announced[kind - ENC_I] = next((r[1] for r in records if r[0] == WILL), announced[kind - ENC_I])
        elif kind in (WILL_I, WILL_R):
            check_will(session, entry, kind - WILL_I, topics, what)
            check(reader.take(16), announced[kind - WILL_I], what + ", connection id")
            check(session["will_shown_to"], ("responder", "initiator")[kind - WILL_I], what)
    for stream, to in zip(streams, ("responder", "initiator")):
        delivered = [message.encode() for message in session[f"delivered_to_{to}"]]
        check(stream.delivered, delivered, f"delivered to {to}")
    if session["name"].endswith("KILL"):
        check(streams[0].killed, True, "KILL")


def check_will(session, entry, owner, topics, what):
    frame = unhex(entry["frame"])
    prologue = b"STS 2 will" + frame[:17] + b"".join(struct.pack(">H", len(t)) + t for t in topics)
    check(prologue, unhex(entry["prologue"]), what)
    sides = [session["initiator"], session["responder"]]
    own, peer = sides[owner], sides[1 - owner]
    psk, payload = unhex(session["psk"]), unhex(entry["records"])
    e = unhex(entry["ephemeral_private_key"])
    message = write_will(unhex(own["private_key"]), unhex(peer["public_key"]), psk, prologue, e, payload)
    check(message, frame[17:], what)
    opened = read_will(unhex(peer["private_key"]), unhex(own["public_key"]), psk, prologue, frame[17:])
    check(opened, payload, what)
    check([record[0] for record in parse_records(payload)], [DATA], what)


def check_enc(session, entry, direction, topics, keys, streams, what):
    frame, n = unhex(entry["frame"]), entry["handshake"]
    reader = Reader(frame[1:])
    receiver = ("responder_index", "initiator_index")[direction]
    check(reader.u32(), session["handshakes"][n][receiver], what)
    counter = reader.varint()
    check(counter, entry["counter"], what)
    ad = frame[: len(frame) - len(reader.data)] + topics[direction]
    check(ad, unhex(entry["associated_data"]), what)
    plaintext = open_(keys[n][direction], counter, ad, reader.data)
    check(plaintext, unhex(entry["records"]), what)
    check(seal(keys[n][direction], counter, ad, plaintext), reader.data, what)
    records = parse_records(plaintext)
    if "lost" in entry:
        return records
    for record in records:
        if record[0] == CONFIRM:
            streams[1].follow(n, record[1], unhex(session["handshakes"][n]["handshake_hash"]))
    streams[direction].take(n, counter, records)
    return records


def check_vouched(running, vouch, frame, what):
    """Where a session is in use, its ENC right before says who a handshake's frame is from."""
    if running:
        check(vouch, blake2b(frame)[:16], what + ", VOUCH")


def check_invite(invite):
    """Everything that both sides make of a token."""

    def mac(data):
        return hmac.digest(secret, data, "blake2b")

    token = invite["token"]
    data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    body, secret = data[:-4], data[1:17]
    check(data[-4:], blake2b(b"STS 2 invite check" + body)[:4], "invite, check")
    check((body[0], secret, base64.b64encode(body[17:49]).decode(), *struct.unpack(">LL", body[49:57]), body[57:].decode()),
          (1, unhex(invite["secret"]), *(invite[key] for key in ("inviter_public_key", "created", "lifetime", "url"))),
          "invite")
    topic = "sts-invite/" + mac(b"STS 2 invite topic")[:16].hex()
    check((invite["joiner_topic"], invite["inviter_topic"]), (topic + "/join", topic + "/invite"), "invite, topics")
    check(invite["psk"], base64.b64encode(mac(b"STS 2 invite psk" + body)[:32]).decode(), "invite, PSK")


def check(is_, should_be, what):
    if is_ != should_be:
        sys.exit(f"{what}: {is_!r} is not {should_be!r}")


unhex = bytes.fromhex


def main():
    path = pathlib.Path(__file__).parent / "data/sts2-session.json"
    if len(sys.argv) > 1:
        path = pathlib.Path(sys.argv[1])
    once = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"  # RFC 7748, 5.2
    check(x25519(BASE, BASE).hex(), once, "X25519")
    frames = 0
    for session in json.loads(path.read_text())["sessions"]:
        check_session(session)
        frames += len(session["frames"])
    check_invite(json.loads((path.parent / "sts2-invite.json").read_text()))
    print(f"{frames} frames are as the specification says")


if __name__ == "__main__":
    main()
