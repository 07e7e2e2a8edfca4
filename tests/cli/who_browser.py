"""Use the page of `arrowpool who --format=html` in a browser, by chromedriver, with the keyboard alone.
Usage: who_browser.py PAGE KEY...    a key is its name in KEYS, or what is typed. Prints what has the focus, and the
status, after each, as JSON."""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

KEYS = {"tab": "\ue004", "enter": "\ue007", "escape": "\ue00c", "left": "\ue012", "up": "\ue013", "right": "\ue014",
        "down": "\ue015", "home": "\ue011"}
NOW = """const element = document.activeElement;
return [element.getAttribute("aria-label") || element.id || element.name || element.textContent,
        document.getElementById("status").textContent, document.querySelectorAll(".frame.found").length];"""


class Browser:
    def __init__(self, driver):
        told = (re.search(r"successfully on port (\d+)", line) for line in driver.stdout)
        port = next(found[1] for found in told if found)
        self.address = f"http://127.0.0.1:{port}/session"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1200",
                   "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tempfile.mkdtemp(dir=os.getcwd())}"]
        session = self.call("", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": options}, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.address += "/" + session["sessionId"]

    def call(self, path, body, method="POST"):
        request = urllib.request.Request(self.address + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["value"]

    def press(self, keys):
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})
        return self.call("/execute/sync", {"script": NOW, "args": []})


def main():
    with subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        try:
            browser = Browser(driver)
            browser.call("/url", {"url": "file://" + sys.argv[1]})
            seen = [browser.press(KEYS.get(key, key)) for key in sys.argv[2:]]
            complaints = browser.call("/se/log", {"type": "browser"})
            browser.call("", {}, "DELETE")
        finally:
            driver.terminate()
    print(json.dumps({"seen": [dict(zip(("focus", "status", "found"), each, strict=True)) for each in seen],
                      "complaints": [entry["message"] for entry in complaints]}))


if __name__ == "__main__":
    main()
