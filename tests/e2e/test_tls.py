"""The ways to a broker: TLS with certificates and with a shared key, SRV records, SOCKS5."""

import pathlib
import shutil
import subprocess
import unittest

from harness import PATIENCE, STS, free_port
from one_shot import OneShotTestCase, Sub
from servers import DnsServer, SocksProxy


class ReachTestCase(OneShotTestCase):
    def through(self, *argv, warns=None, env=None):
        """A message has to get through to whoever listens without TLS."""
        listener = self.subscribe("mosquitto_sub", "-t", "t", count=1)
        code, out, err = self.run_sts("pub", "--plain", "-t", "t", "-m", "through", "-q", "1", *argv, env=env)
        self.assertEqual((code, out), (0, b""), err)
        if warns:
            self.assertRegex(err, "^warning: .*" + warns)
        else:
            self.assertEqual(err, "")
        self.assertEqual(listener.output(), b"through\n")

    def refused(self, wanted, *argv, env=None, code=1):
        """No message gets out, and the error says why."""
        before = self.b.log.text.count("Received PUBLISH")
        *ended, err = self.run_sts("pub", "--plain", "-t", "t", "-m", "through", "-q", "1", *argv, env=env)
        self.assertEqual(ended, [code, b""], err)
        self.assertRegex(err, f"error: .*(?:{wanted})")
        self.assertIn("\nhint: ", err)
        self.assertEqual(self.b.log.text.count("Received PUBLISH"), before)


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class TlsTestCase(ReachTestCase):
    """The broker of self.b listens with TLS too, on self.tls, as `localhost` and 127.0.0.1."""

    listener = ()

    def setUp(self):
        super().setUp()
        self.pki = pathlib.Path(self.directory, "pki")
        self.pki.mkdir()
        for name in ("ca", "other-ca"):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                         "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")
        self.certificate("broker", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.certificate("client", "extendedKeyUsage=clientAuth")
        self.tls = free_port()
        self.b = self.broker(f"listener {self.tls} 127.0.0.1", f"cafile {self.pki}/ca.crt",
                             f"certfile {self.pki}/broker.crt", f"keyfile {self.pki}/broker.key", *self.listener)

    def openssl(self, *argv):
        subprocess.run(["openssl", *argv], cwd=self.pki, check=True, capture_output=True, timeout=PATIENCE)

    def certificate(self, name, extension):
        (self.pki / f"{name}.ext").write_text(extension + "\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt")

    def secure(self, host="localhost"):
        return ["-h", host, "-p", str(self.tls)]

    def ca(self, name="ca"):
        return ["--cafile", f"{self.pki}/{name}.crt"]


class Tls(TlsTestCase):
    def test_trusted_ca(self):
        self.through(*self.secure(), *self.ca())
        self.through(*self.secure("127.0.0.1"), *self.ca())
        self.through("-L", f"mqtts://localhost:{self.tls}/t", *self.ca())
        self.openssl("rehash", ".")
        self.through(*self.secure(), "--capath", str(self.pki))

    def test_wrong_ca(self):
        self.refused("certificate", *self.secure(), *self.ca("other-ca"))
        self.refused("certificate", *self.secure(), "--tls")

    def test_wrong_name(self):
        self.certificate("broker", "subjectAltName=DNS:localhost")
        self.tls = free_port()
        self.b = self.broker(f"listener {self.tls} 127.0.0.1", f"certfile {self.pki}/broker.crt",
                             f"keyfile {self.pki}/broker.key")
        self.refused("name|certificate", *self.secure("127.0.0.1"), *self.ca())
        self.refused("name|certificate", *self.secure(), *self.ca(), "--tls-name", "elsewhere.example")

    def test_name_other_than_the_hosts(self):
        self.certificate("broker", "subjectAltName=DNS:broker.example")
        self.tls = free_port()
        self.b = self.broker(f"listener {self.tls} 127.0.0.1", f"certfile {self.pki}/broker.crt",
                             f"keyfile {self.pki}/broker.key")
        self.refused("name|certificate", *self.secure(), *self.ca())
        self.through(*self.secure(), *self.ca(), "--tls-name", "broker.example")

    def test_insecure_warns(self):
        self.through(*self.secure(), "--insecure", "--tls", warns="certificate")
        self.through(*self.secure(), "--insecure", *self.ca("other-ca"), warns="certificate")

    def test_cleartext_at_a_tls_port_and_the_other_way_round(self):
        self.refused(str(self.tls), *self.secure())
        self.refused(str(self.b.port), "-h", "localhost", "-p", str(self.b.port), *self.ca())

    def test_no_such_file(self):
        self.refused("/no/such.pem", *self.secure(), "--cafile", "/no/such.pem")

    def test_a_session_in_tls(self):
        sender, receiver = self.home("sender"), self.home("receiver")
        for home, other in ((sender, receiver), (receiver, sender)):
            home.sts("peer", "add", "other", other.key())
        way = ["--peer", "other", *self.secure(), *self.ca(), "-t", "s"]
        sub = self.keep(Sub([STS, "sub", *way, "-C", "1", "-i", "receiver"], env=receiver.env))
        self.b.log.expect("Sending SUBACK to receiver$")
        self.assertEqual(self.run_sts("pub", *way, "-m", "21.5", home=sender), (0, b"", ""))
        self.assertEqual((sub.output(), sub.wait()), (b"21.5\n", 0))


class TlsClientCertificate(TlsTestCase):
    listener = ("require_certificate true", "use_identity_as_username true")

    def test_client_certificate(self):
        client = ["--cert", f"{self.pki}/client.crt", "--key", f"{self.pki}/client.key"]
        self.through(*self.secure(), *self.ca(), *client)
        self.assertIn("u'client'", self.b.log.text)

    def test_none(self):
        self.refused("", *self.secure(), *self.ca())

    def test_key_with_a_passphrase(self):
        self.openssl("ec", "-in", "client.key", "-aes256", "-passout", "pass:open sesame", "-out", "locked.key")
        client = ["--cert", f"{self.pki}/client.crt", "--key", f"{self.pki}/locked.key"]
        self.through(*self.secure(), *self.ca(), *client, "--keypass-from", "env:KEYPASS",
                     env={"KEYPASS": "open sesame"})
        self.refused("locked.key|passphrase", *self.secure(), *self.ca(), *client, "--keypass-from", "env:KEYPASS",
                     env={"KEYPASS": "open barley"})

    def test_half_of_it(self):
        self.refused("key|cert", *self.secure(), *self.ca(), "--cert", f"{self.pki}/client.crt", code=2)


class TlsPsk(ReachTestCase):
    def setUp(self):
        super().setUp()
        self.tls = free_port()
        path = self.home("psk").file("psk", "pump:0123456789abcdef\n", 0o644)
        self.b = self.broker(f"listener {self.tls} 127.0.0.1", "psk_hint hint", f"psk_file {path}",
                             "use_identity_as_username true")

    def test_shared_key(self):
        argv = ["-h", "localhost", "-p", str(self.tls), "--psk-from", "env:PSK", "--psk-identity"]
        self.through(*argv, "pump", env={"PSK": "0123456789abcdef"})
        self.assertIn("u'pump'", self.b.log.text)

    def test_wrong_key_or_name(self):
        argv = ["-h", "localhost", "-p", str(self.tls), "--psk-from", "env:PSK", "--psk-identity"]
        self.refused("", *argv, "pump", env={"PSK": "fedcba9876543210"})
        self.refused("", *argv, "stranger", env={"PSK": "0123456789abcdef"})


class Srv(ReachTestCase):
    def dns(self, table):
        return self.keep(DnsServer(table))

    def test_record_names_host_and_port(self):
        dns = self.dns({"_mqtt._tcp.plant.example": [(10, self.b.port, "localhost")]})
        self.through("-S", "-h", "plant.example", "--dns", dns.address)
        self.assertIn("_mqtt._tcp.plant.example", dns.asked)

    def test_the_next_one_when_the_first_is_down(self):
        dns = self.dns({"_mqtt._tcp.plant.example": [(20, self.b.port, "localhost"), (10, free_port(), "localhost")]})
        self.through("-S", "-h", "plant.example", "--dns", dns.address)

    def test_no_record(self):
        dns = self.dns({})
        self.refused("plant.example", "-S", "-h", "plant.example", "--dns", dns.address)


class Socks(ReachTestCase):
    def test_through_a_proxy(self):
        proxy = self.keep(SocksProxy())
        self.through("--proxy", f"socks5h://{proxy.address}", "-h", "localhost", "-p", str(self.b.port))
        self.assertEqual(proxy.asked, ["localhost"])  # it looks the name up

    def test_login(self):
        proxy = self.keep(SocksProxy("user:pass word"))
        argv = ["--proxy", f"socks5h://user@{proxy.address}", "--proxy-password-from", "env:PW", "-h", "localhost", "-p",
                str(self.b.port)]
        self.through(*argv, env={"PW": "pass word"})
        self.refused("proxy|SOCKS", *argv, env={"PW": "wrong"})

    def test_no_proxy_and_no_broker_behind_it(self):
        proxy, nobody = self.keep(SocksProxy()), free_port()
        self.refused(str(nobody), "--proxy", f"127.0.0.1:{nobody}", "-h", "localhost", "-p", str(self.b.port))
        self.refused("", "--proxy", proxy.address, "-h", "localhost", "-p", str(nobody))
