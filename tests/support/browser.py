"""Opens a page in headless Chromium, evaluates expressions in it one after the other, and prints their values.

usage: browser.py CHROMIUM PAGE SCREENSHOT EXPRESSION...      PAGE is a file or an address; BROWSER_WINDOW=400,800 its size,
BROWSER_SCHEME=dark what the person wants, BROWSER_MEDIA=print another medium than a screen, BROWSER_INSIDE a page that is opened from there, and BROWSER_EXACT that its size is held to although it is narrow

Prints {"values": [...], "requests": [...], "errors": [...]}: one value an expression, every address that the page asked for, and
the errors in its console. It speaks the DevTools protocol over a pipe (descriptors 3 and 4), so that no port is opened and nothing but the standard library is needed.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse


class Browser:
    def __init__(self, program):
        from_us, self.to_browser = os.pipe()
        self.from_browser, to_us = os.pipe()

        def take_pipes():
            # Out of the way first: either may be 3 or 4 already.
            ours, theirs = os.dup(from_us), os.dup(to_us)
            os.dup2(ours, 3)
            os.dup2(theirs, 4)

        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--window-size={os.environ.get('BROWSER_WINDOW', '1200,1400')}"]
        self.process = subprocess.Popen(
            [program, *arguments], preexec_fn=take_pipes, close_fds=False, stderr=subprocess.DEVNULL
        )
        os.close(from_us)
        os.close(to_us)
        self.rest = b""
        self.number = 0
        self.events = []

    def receive(self):
        while b"\0" not in self.rest:
            more = os.read(self.from_browser, 65536)
            if not more:
                sys.exit("the browser has ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, parameters=None, session=None):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())


def main(program, page, screenshot, *expressions):
    browser = Browser(program)
    target = browser.call("Target.createTarget", {"url": "about:blank"})["targetId"]
    session = browser.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
    browser.call("Network.enable", session=session)
    browser.call("Page.enable", session=session)
    browser.call("Log.enable", session=session)
    browser.call("Runtime.enable", session=session)
    scheme = {"name": "prefers-color-scheme", "value": os.environ.get("BROWSER_SCHEME", "light")}
    browser.call("Emulation.setEmulatedMedia", {"media": os.environ.get("BROWSER_MEDIA", ""), "features": [scheme]}, session)
    if os.environ.get("BROWSER_EXACT"):
        # The window of a browser without a screen is never narrower than 500 pixels.
        width, height = map(int, os.environ["BROWSER_WINDOW"].split(","))
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.call("Emulation.setDeviceMetricsOverride", size, session)
    address = page if "://" in page else pathlib.Path(page).resolve().as_uri()
    browser.call("Page.navigate", {"url": address}, session)
    browser.wait_for("Page.loadEventFired")
    if os.environ.get("BROWSER_INSIDE"):
        here = browser.call("Runtime.evaluate", {"expression": "location.href", "returnByValue": True}, session)
        browser.events.clear()
        address = urllib.parse.urljoin(here["result"]["value"], os.environ["BROWSER_INSIDE"])
        browser.call("Page.navigate", {"url": address}, session)
        browser.wait_for("Page.loadEventFired")
    values = []
    for expression in expressions:
        answer = browser.call("Runtime.evaluate", {"expression": expression, "returnByValue": True}, session)
        if "exceptionDetails" in answer:
            sys.exit(f"{expression}: {answer['exceptionDetails']}")
        values.append(answer["result"].get("value"))
    picture = browser.call("Page.captureScreenshot", session=session)["data"]
    pathlib.Path(screenshot).write_bytes(base64.b64decode(picture))
    asked = [event for event in browser.events if event.get("method") == "Network.requestWillBeSent"]
    browser.call("Browser.close")
    browser.process.wait(timeout=30)
    entries = [event["params"]["entry"] for event in browser.events if event.get("method") == "Log.entryAdded"]
    errors = [entry["text"] for entry in entries if entry["level"] == "error"]
    thrown = [event["params"]["exceptionDetails"] for event in browser.events if event.get("method") == "Runtime.exceptionThrown"]
    errors += [details.get("exception", {}).get("description") or details["text"] for details in thrown]
    requests = [event["params"]["request"]["url"] for event in asked]
    print(json.dumps({"values": values, "requests": requests, "errors": errors}))


if __name__ == "__main__":
    main(*sys.argv[1:])
