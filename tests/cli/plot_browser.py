"""Use the page of `arrowpool plot -o FILE.html` in a browser, by chromedriver: with the pointer, with the keyboard, and
in the dark.  Usage: plot_browser.py PAGE    Prints what there is to see, as JSON."""

import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from who_browser import KEYS, Browser

SEEN = """const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const pixels = (canvas, name) => {
  const wanted = colour(name).match(/[0-9a-f]{2}/g).map(two => parseInt(two, 16));
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4)
    count += wanted.every((value, k) => Math.abs(data[i + k] - value) < 3) && data[i + 3] > 250;
  return count;
};
return {
  title: document.title,
  page: getComputedStyle(document.body).backgroundColor,
  status: document.getElementById("status").textContent,
  zoomed: plots.map(plot => [plot.scales.x.min, plot.scales.x.max]),
  scales: plots.map(plot => plot.scales.y.max),
  table: [...document.querySelectorAll("main > section tbody tr")]
    .map(row => [...row.cells].map(cell => cell.textContent)),
  processes: [...document.querySelectorAll(".process")].map(section => ({
    heading: section.querySelector("h2").textContent,
    place: [Math.round(section.getBoundingClientRect().x), Math.round(section.getBoundingClientRect().y)],
    right: Math.max(...[...section.querySelectorAll("canvas")]
      .map(canvas => canvas.getBoundingClientRect().right - section.getBoundingClientRect().x)),
    room: section.getBoundingClientRect().width,
    charts: [...section.querySelectorAll("h3")].map(heading => heading.textContent),
    places: [...section.querySelectorAll(".chart")].map(chart => Math.round(chart.getBoundingClientRect().y)),
    legends: [...section.querySelectorAll(".u-legend")].map(legend => Object.fromEntries(
      [...legend.querySelectorAll("tr")].map(row =>
        [".u-label", ".u-value"].map(of => row.querySelector(of).textContent)))),
    pixels: Object.fromEntries(["live", "idle", "rest", "limit"].map(name => [name,
      pixels(section.querySelector("canvas"), "--" + name)])),
  })),
  wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
};"""
OVER = """const place = document.querySelector(".u-over").getBoundingClientRect();
return [place.x, place.y, place.width, place.height];"""


class Page(Browser):
    def look(self):
        return self.call("/execute/sync", {"script": SEEN, "args": []})

    def point(self, *steps):
        """Steps: a part of the chart's width to move to, or what the button does."""
        x, y, width, height = self.call("/execute/sync", {"script": OVER, "args": []})
        actions = [{"type": "pointerMove", "duration": 20, "x": round(x + width * step), "y": round(y + height / 2)}
                   if isinstance(step, float) else {"type": step, "button": 0} for step in steps]
        self.call("/actions", {"actions": [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
                                            "actions": actions}]})
        return self.look()

    def click(self, selector):
        self.call("/execute/sync", {"script": f"document.querySelector({json.dumps(selector)}).click()", "args": []})
        return self.look()

    def make_dark(self):
        self.call("/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
            "features": [{"name": "prefers-color-scheme", "value": "dark"}]}})
        for _ in range(200):  # the page is told with a frame to come
            seen = self.look()
            if seen["processes"][0]["pixels"]["live"]:
                break
            time.sleep(0.05)
        return seen


def main():
    with subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        try:
            page = Page(driver)
            page.call("/url", {"url": "file://" + sys.argv[1]})
            seen = {"first": page.look()}
            seen["pointed"] = page.point(0.5)
            seen["dragged"] = page.point(0.25, "pointerDown", 0.4, 0.5, "pointerUp")
            seen["whole"] = page.point(0.5, "pointerDown", "pointerUp", "pointerDown", "pointerUp")
            seen["hidden"] = page.click(".u-legend .u-series:nth-child(2) th")
            seen["shown"] = page.click(".u-legend .u-series:nth-child(2) th")
            page.call("/execute/sync", {"script": "document.activeElement.blur(); scrollTo(0, 0)", "args": []})
            page.press(KEYS["tab"])
            seen["focus"] = page.press(KEYS["enter"])[0]
            seen["nearer"] = page.look()
            seen["apart"] = page.click("#same")
            seen["dark"] = page.make_dark()
            seen["complaints"] = [entry["message"] for entry in page.call("/se/log", {"type": "browser"})
                                  if "willReadFrequently" not in entry["message"]]  # that is about SEEN above
            page.call("", {}, "DELETE")
        finally:
            driver.terminate()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
