"""Brokers besides mosquitto, each with helpers of its own, on loopback and below a directory."""

import os
import pathlib
import shutil
import tempfile

from harness import Process, free_port

HERE = pathlib.Path(__file__).parent
RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one in the PATH insists on its own user

RABBIT_CONFIG = """
listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:{port}
mqtt.allow_anonymous = true
loopback_users.guest = true
log.console = true
log.console.level = info
log.file = false
"""

AEDES = """
const aedes = require('aedes')();
require('net').createServer(aedes.handle).listen(+process.argv[1], '127.0.0.1',
    () => console.log('listening'));
"""


class RabbitMq:
    """RabbitMQ with its MQTT plugin, and an epmd of its own."""

    @staticmethod
    def missing():
        return None if os.path.exists(RABBIT) else "rabbitmq-server is not installed"

    def __init__(self, directory):
        home = pathlib.Path(tempfile.mkdtemp(prefix="rabbit-", dir=directory))
        self.port, epmd = free_port(), free_port()
        (home / "rabbitmq.conf").write_text(RABBIT_CONFIG.format(port=self.port))
        (home / "plugins").write_text("[rabbitmq_mqtt].\n")
        (home / "env").touch()
        env = {"HOME": str(home), "ERL_EPMD_PORT": str(epmd), "ERL_EPMD_ADDRESS": "127.0.0.1",
               "RABBITMQ_CONF_ENV_FILE": str(home / "env"), "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
               "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"), "RABBITMQ_MNESIA_BASE": str(home / "data"),
               "RABBITMQ_LOG_BASE": str(home / "log"), "RABBITMQ_NODENAME": f"sts-test-{self.port}@localhost",
               "RABBITMQ_DIST_PORT": str(free_port()), "RABBITMQ_ALLOW_INPUT": "1",
               "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                   "-start_epmd false -noinput -kernel inet_dist_use_interface {127,0,0,1}"}
        self._epmd = Process(["epmd", "-d", "-d", "-port", str(epmd), "-address", "127.0.0.1"], env=env)
        self._log = None
        try:
            self._epmd.expect("entering the main select")
            self._log = Process([RABBIT], env=env, cwd=home)
            self._log.expect("Server startup complete", patience=180)
        except BaseException:
            self.close()
            raise

    def close(self):
        for process in (self._log, self._epmd):
            if process:
                process.close()


class Aedes:
    """aedes from npm, all in memory."""

    @staticmethod
    def missing():
        if not shutil.which("node"):
            return "node is not installed"
        return None if (HERE / "node_modules/aedes").exists() else "aedes is not installed"

    def __init__(self, _directory):
        self.port = free_port()
        self._log = Process(["node", "-e", AEDES, str(self.port)], cwd=HERE)
        self._log.expect("^listening")

    def close(self):
        self._log.close()
