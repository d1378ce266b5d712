// The functions of fitting.js stand before these. `DARK` has the dark colour of each light one.

const PAPER_WIDTH = 960 // pixels, in which figures are drawn for paper and then made smaller, like letters in print
const figures = JSON.parse(document.getElementById("figures").textContent)
const rooms = [...document.querySelectorAll(".figure")]
const night = matchMedia("(prefers-color-scheme: dark)")
let printing = false

function draw(room) {
  if (!room.clientWidth) return // in something closed
  const chart = room.firstElementChild, name = room.dataset.figure
  let text = JSON.stringify(figures[name])
  if (night.matches && !printing) for (const [light, dark] of Object.entries(DARK)) text = text.replaceAll(light, dark)
  const figure = JSON.parse(text), size = sizeIn(room, figure.layout, printing ? PAPER_WIDTH : LEAST_WIDTH)
  nameForSelectors(figure.data)
  fit(figure, size)
  takeRoom(room, chart, figure.layout, size.scale)
  room.drawnWidth = room.clientWidth
  Plotly.react(chart, figure.data, figure.layout, {
    displaylogo: false, showSendToCloud: false, modeBarButtonsToRemove: ["select2d", "lasso2d"],
    toImageButtonOptions: { filename: name, scale: 2 },
  })
}

function setPrinting(begins) {
  printing = begins
  document.documentElement.classList.toggle("printing", begins)
  rooms.forEach(draw)
}

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) if (!printing && target.clientWidth !== target.drawnWidth) draw(target)
})
for (const room of rooms) resized.observe(room)
night.addEventListener("change", () => rooms.forEach(draw))
addEventListener("beforeprint", () => setPrinting(true))
addEventListener("afterprint", () => setPrinting(false))
