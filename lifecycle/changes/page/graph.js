// The pictures of resources: choosing by mouse and keyboard, zooming, panning, and telling what is next to what.
(() => {
  const SMALLEST = 0.05;
  const LARGEST = 2.5;
  const STEP = 1.25;
  const graphs = [];

  class Graph {
    constructor(figure, data) {
      this.figure = figure;
      this.data = data;
      this.view = figure.querySelector(".view");
      this.svg = figure.querySelector("svg");
      this.panel = figure.querySelector(".chosen");
      this.width = this.svg.viewBox.baseVal.width;
      this.height = this.svg.viewBox.baseVal.height;
      this.scale = 1;
      this.boxes = new Map();
      for (const element of this.svg.querySelectorAll(".box")) {
        const [x, y] = element.getAttribute("transform").match(/\d+/g).map(Number);
        element.setAttribute("tabindex", "-1");
        this.boxes.set(Number(element.dataset.n), { element, x, y });
      }
      this.lines = [...this.svg.querySelectorAll(".lines path")].map((element) => ({
        element,
        start: Number(element.dataset.a),
        end: Number(element.dataset.b),
      }));
      const first = [...this.boxes].find(([place]) => data[place][5]) || [...this.boxes][0];
      this.current = first[0];
      first[1].element.setAttribute("tabindex", "0");
      this.svg.addEventListener("click", (event) => this.clicked(event));
      this.svg.addEventListener("focusin", (event) => {
        const box = event.target.closest(".box");
        if (box && Number(box.dataset.n) !== this.chosen) this.choose(Number(box.dataset.n));
      });
      this.view.addEventListener("keydown", (event) => this.pressed(event));
      this.view.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
      this.makeDraggable();
      const details = figure.closest("details");
      if (details) details.addEventListener("toggle", () => this.begin(), { once: true });
      else this.begin();
      for (const button of figure.querySelectorAll("[data-action]")) {
        button.addEventListener("click", () => this.act(button.dataset.action));
      }
    }

    // Begin with all of it where it can still be read, else with the first that changes.
    begin() {
      const box = this.boxes.get(this.current);
      this.zoom(Math.min(Math.max(this.view.clientWidth / this.width, 0.85), 1), 0, 0);
      this.view.scrollLeft = (box.x + 108) * this.scale - this.view.clientWidth / 2;
      this.view.scrollTop = (box.y + 22) * this.scale - this.view.clientHeight / 2;
    }

    act(action) {
      const stepX = this.view.clientWidth / 3;
      const stepY = this.view.clientHeight / 3;
      if (action === "in") this.zoom(this.scale * STEP);
      else if (action === "out") this.zoom(this.scale / STEP);
      else if (action === "fit") this.zoom(Math.min(this.view.clientWidth / this.width, 1), 0, 0);
      else if (action === "left") this.view.scrollBy(-stepX, 0);
      else if (action === "right") this.view.scrollBy(stepX, 0);
      else if (action === "up") this.view.scrollBy(0, -stepY);
      else if (action === "down") this.view.scrollBy(0, stepY);
    }

    // Zoom so that what lies at a point of the view, by itself its middle, stays there.
    zoom(scale, atX = this.view.clientWidth / 2, atY = this.view.clientHeight / 2) {
      const next = Math.min(Math.max(scale, SMALLEST), LARGEST);
      const x = (this.view.scrollLeft + atX) / this.scale;
      const y = (this.view.scrollTop + atY) / this.scale;
      this.scale = next;
      this.svg.classList.toggle("small", next < 0.45);
      this.svg.setAttribute("width", this.width * next);
      this.svg.setAttribute("height", this.height * next);
      this.view.scrollLeft = x * next - atX;
      this.view.scrollTop = y * next - atY;
    }

    wheeled(event) {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const area = this.view.getBoundingClientRect();
      const factor = event.deltaY < 0 ? STEP : 1 / STEP;
      this.zoom(this.scale * factor, event.clientX - area.left, event.clientY - area.top);
    }

    makeDraggable() {
      let from = null;
      this.view.addEventListener("pointerdown", (event) => {
        if (event.pointerType === "mouse" && event.button === 0 && !event.target.closest(".box")) {
          from = { x: event.clientX + this.view.scrollLeft, y: event.clientY + this.view.scrollTop };
          this.view.setPointerCapture(event.pointerId);
        }
      });
      this.view.addEventListener("pointermove", (event) => {
        if (from) this.view.scrollTo({ left: from.x - event.clientX, top: from.y - event.clientY, behavior: "instant" });
      });
      for (const end of ["pointerup", "pointercancel"]) this.view.addEventListener(end, () => (from = null));
    }

    clicked(event) {
      const box = event.target.closest(".box");
      if (!box) return;
      event.preventDefault();
      const place = Number(box.dataset.n);
      if (event.detail > 1) this.open(place);
      else this.focus(place);
    }

    pressed(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const zooms = { "+": "in", "=": "in", "-": "out", 0: "fit" };
      const box = event.target.closest(".box");
      if (event.key in zooms) this.act(zooms[event.key]);
      else if (!box) return;
      else if (event.key === "Enter" || event.key === " ") this.open(this.current);
      else if (event.shiftKey && event.key.startsWith("Arrow")) this.act(event.key.slice(5).toLowerCase());
      else if (event.key.startsWith("Arrow")) this.focus(this.beside(event.key.slice(5)));
      else if (event.key === "Home") this.focus([...this.boxes.keys()][0]);
      else if (event.key === "End") this.focus([...this.boxes.keys()].at(-1));
      else return;
      event.preventDefault();
    }

    // What lies in a direction: along a line where there is one, else the nearest.
    beside(direction) {
      const here = this.boxes.get(this.current);
      const joined = { Left: [], Right: [], Up: [], Down: [] };
      for (const { start, end } of this.lines) {
        if (start === this.current) joined.Right.push(end);
        if (end === this.current) joined.Left.push(start);
      }
      const lies = {
        Left: (box) => box.x < here.x,
        Right: (box) => box.x > here.x,
        Up: (box) => box.x === here.x && box.y < here.y,
        Down: (box) => box.x === here.x && box.y > here.y,
      }[direction];
      const candidates = joined[direction].length ? joined[direction] : [...this.boxes.keys()];
      let best = this.current;
      let nearest = Infinity;
      for (const place of candidates) {
        const box = this.boxes.get(place);
        const distance = Math.abs(box.y - here.y) + 2 * Math.abs(box.x - here.x);
        if (place !== this.current && lies(box) && distance < nearest) [best, nearest] = [place, distance];
      }
      return best;
    }

    focus(place) {
      const box = this.boxes.get(place);
      this.choose(place);
      box.element.focus({ preventScroll: true });
      const view = this.view;
      view.scrollLeft = this.near(view.scrollLeft, view.clientWidth, box.x * this.scale, 216 * this.scale);
      view.scrollTop = this.near(view.scrollTop, view.clientHeight, box.y * this.scale, 44 * this.scale);
    }

    near(scroll, room, start, size) {
      const edge = 24;
      if (start - edge < scroll) return start - edge;
      if (start + size + edge > scroll + room) return start + size + edge - room;
      return scroll;
    }

    choose(place) {
      this.boxes.get(this.current).element.setAttribute("tabindex", "-1");
      this.current = place;
      this.chosen = place;
      this.boxes.get(place).element.setAttribute("tabindex", "0");
      const near = new Set([place]);
      for (const { element, start, end } of this.lines) {
        const isNear = start === place || end === place;
        element.classList.toggle("near", isNear);
        if (isNear) near.add(start).add(end);
      }
      for (const [each, { element }] of this.boxes) {
        element.classList.toggle("chosen-box", each === place);
        element.classList.toggle("near", near.has(each));
      }
      this.svg.classList.add("has-choice");
      this.tell(place);
    }

    tell(place) {
      const [name, type, operation, parent, needs, resource] = this.data[place];
      const title = document.createElement("p");
      const strong = document.createElement("strong");
      strong.textContent = name;
      const code = document.createElement("code");
      code.textContent = type;
      title.append(strong, " ", code, ` ${operation} `);
      if (resource) {
        const open = this.button("Open its differences", () => this.open(place));
        title.append(open);
      }
      const neededBy = this.data.flatMap((each, at) => (each[4].includes(place) ? [at] : []));
      this.panel.replaceChildren(title);
      this.list("Parent", parent >= 0 ? [parent] : []);
      this.list("Needs", needs);
      this.list("Needed by", neededBy);
    }

    list(title, places) {
      if (!places.length) return;
      const line = document.createElement("p");
      const label = document.createElement("span");
      label.className = "soft";
      label.textContent = title;
      line.append(label);
      for (const place of places) {
        const type = document.createElement("code");
        type.className = "type";
        type.textContent = this.data[place][1];
        line.append(" ", this.button(this.data[place][0], () => showInGraph(this, place)), type);
      }
      this.panel.append(line);
    }

    button(text, act) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.textContent = text;
      button.addEventListener("click", act);
      return button;
    }

    open(place) {
      const resource = this.data[place][5];
      if (resource) document.dispatchEvent(new CustomEvent("show", { detail: resource }));
      else this.choose(place);
    }

    dim(words) {
      for (const [place, { element }] of this.boxes) {
        const text = this.data[place].slice(0, 3).join(" ").toLowerCase();
        element.classList.toggle("dimmed", !words.every((word) => text.includes(word)));
      }
    }
  }

  // In the given picture where it is drawn there, else in the first of the same stack that has it.
  function showInGraph(graph, place) {
    const all = graphs.filter((each) => each.figure.dataset.graph === graph.figure.dataset.graph);
    const target = [graph, ...all].find((each) => each.boxes.has(place));
    if (!target) return;
    const details = target.figure.closest("details");
    if (details) details.open = true;
    target.figure.scrollIntoView({ block: "nearest" });
    target.focus(place);
  }

  const dataOf = new Map();
  for (const figure of document.querySelectorAll("figure.graph")) {
    const stack = figure.dataset.graph;
    if (!dataOf.has(stack)) dataOf.set(stack, JSON.parse(document.getElementById(`${stack}-graph-data`).textContent));
    graphs.push(new Graph(figure, dataOf.get(stack)));
  }
  document.addEventListener("searched", (event) => graphs.forEach((graph) => graph.dim(event.detail)));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    if (!button) return;
    for (const graph of graphs) {
      const place = graph.data.findIndex((each) => each[5] === button.dataset.show);
      if (place >= 0) return showInGraph(graph, place);
    }
  });
})();
