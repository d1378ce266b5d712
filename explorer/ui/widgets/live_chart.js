// The functions of figures/fitting.js stand before these.

const FRAME_MS = 33 // between two frames of a replay

function plotly(url) {
  globalThis.explorerPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = new URL(url, document.baseURI).href
    script.onload = () => resolve(globalThis.Plotly)
    script.onerror = () => { globalThis.explorerPlotly = undefined; reject(new Error("no answer")) }
    document.head.append(script)
  })
  return globalThis.explorerPlotly
}

// What stands around a chart is on the screen before the chart is drawn, which takes a tenth of a second or more.
function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve))
    setTimeout(resolve, 100) // a hidden tab has no frames
  })
}

// Figures are made for a light page: only the browser knows at once when the reader switches to a dark one.
function isDark(element) {
  const probe = document.createElement("canvas").getContext("2d")
  probe.fillStyle = getComputedStyle(element).getPropertyValue("--st-background-color").trim() || "white"
  probe.fillRect(0, 0, 1, 1)
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data
  return 0.3 * red + 0.6 * green + 0.1 * blue < 128
}

// While a reader goes through the moments of training, scales only widen: what moves then is the measurement.
function keepScales(chart, { layout }, id) {
  if (!id) return
  if (chart.explorerSeen?.id !== id) chart.explorerSeen = { id, axes: {}, colours: {} }
  const { axes, colours } = chart.explorerSeen
  for (const [name, include] of Object.entries(axes)) {
    const axis = layout[name.replace("y", "yaxis")]
    if (axis && !axis.range) axis.autorangeoptions = { include }
  }
  for (const [key, axis] of Object.entries(layout)) {
    if (!key.startsWith("coloraxis") || axis.cmin === undefined) continue
    colours[key] = widened(colours[key], [axis.cmin, axis.cmax])
    ;[axis.cmin, axis.cmax] = colours[key]
  }
}

function noteScales(chart) {
  for (const { type, mode, yaxis, y } of chart.explorerSeen ? chart._fullData : []) {
    if (type !== "scatter" || mode === "text") continue
    const { axes } = chart.explorerSeen, values = Array.from(y).filter(Number.isFinite)
    if (values.length) axes[yaxis] = widened(axes[yaxis], [Math.min(...values), Math.max(...values)])
  }
}

function widened(old, [low, high]) {
  return old ? [Math.min(old[0], low), Math.max(old[1], high)] : [low, high]
}

async function draw(room, chart, Plotly, data) {
  const figure = JSON.parse(chart.explorerText), size = sizeIn(room, figure.layout)
  nameForSelectors(figure.data)
  keepScales(chart, figure, data.scales)
  fit(figure, size)
  chart.explorerSize = [room.clientWidth, size.stage ? innerHeight : 0].join()
  takeRoom(room, chart, figure.layout, size.scale)
  await Plotly.react(chart, figure.data, figure.layout, {
    displaylogo: false, showSendToCloud: false, modeBarButtonsToRemove: ["select2d", "lasso2d"],
    toImageButtonOptions: { filename: data.filename, scale: 2 },
    ...(size.stage ? { displayModeBar: false } : {}),
  })
  noteScales(chart)
  chart.classList.remove("explorer-chart-over") // plotly loses the hovered point at a redraw
}

function followSize(room, redraw) {
  const chart = room.firstElementChild
  const changed = () => {
    const now = [room.clientWidth, room.closest(STAGE) ? innerHeight : 0].join()
    if (room.clientWidth && chart.explorerSize && now !== chart.explorerSize) redraw()
  }
  new ResizeObserver(changed).observe(room)
  addEventListener("resize", changed)
  return () => removeEventListener("resize", changed)
}

function sendClicks(chart) {
  const over = (inside) => (event) => {
    chart.classList.toggle("explorer-chart-over", inside && Boolean(event.points?.[0]?.customdata))
  }
  chart.on("plotly_hover", over(true))
  chart.on("plotly_unhover", over(false))
  chart.on("plotly_click", (event) => {
    const meaning = event.points?.[0]?.customdata
    if (meaning) chart.explorerSend("click", meaning)
  })
}

// ---- Replay: the lines are clipped at a moment and their labels moved, so nothing is drawn anew ---------------------

// From the left end of the axis, as it was before the reader zoomed, to the last point of a line.
function spanOf(chart, start) {
  const named = new Set(chart._fullData.flatMap((trace) => trace.meta?.lines ?? []))
  const ends = chart._fullData.filter((trace) => named.has(trace.uid)).map((trace) => trace.x[trace.x.length - 1])
  const end = Math.max(...ends)
  return [start, chart._fullLayout.xaxis.type === "log" ? Math.log10(end) : end]
}

function axisOf(chart) {
  const axis = chart._fullLayout.xaxis, [first, last] = chart.explorerSpan
  return { axis, at: (part) => first + part * (last - first) }
}

// The numbers of a line, by the moments of the axis.
function valueAt(trace, moment, isLog) {
  const { x, y } = trace, place = (index) => (isLog ? Math.log10(x[index]) : x[index])
  let low = 0, high = x.length - 1
  if (high < 0 || moment < place(0)) return null
  if (moment >= place(high)) return { end: place(high), value: y[high] }
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (place(middle) <= moment) low = middle
    else high = middle
  }
  const part = (moment - place(low)) / (place(high) - place(low) || 1)
  return { end: moment, value: y[low] + part * (y[high] - y[low]) }
}

function showMoment(chart, part) {
  const over = part < 1, { axis, at } = axisOf(chart), moment = at(part)
  chart.classList.toggle("explorer-replaying", over)
  for (const plot of Object.values(chart._fullLayout._plots)) {
    if (plot.xaxis.overlaying) continue
    const room = plot.xaxis._length, shown = over ? Math.min(room, Math.max(0, plot.xaxis.l2p(moment))) : room
    plot.clipRect.attr("width", shown)
    for (const points of plot.plot.node().querySelectorAll(".points")) {
      if (over) points.setAttribute("clip-path", `url(#${plot.clipId})`)
      else points.removeAttribute("clip-path")
    }
  }
  moveLabels(chart, over ? moment : null, axis.type === "log")
}

function moveLabels(chart, moment, isLog) {
  const svg = chart.querySelector(".main-svg")
  let layer = svg.querySelector(".explorer-ends")
  if (moment === null) return layer?.remove()
  if (!layer) svg.append((layer = document.createElementNS(svg.namespaceURI, "g")))
  layer.setAttribute("class", "explorer-ends")
  const panels = {}, lines = Object.fromEntries(chart._fullData.map((trace) => [trace.uid, trace]))
  for (const label of chart._fullData) {
    if (!label.meta?.lines || label.visible !== true) continue
    const found = label.meta.lines.map((uid) => lines[uid] && valueAt(lines[uid], moment, isLog)).filter(Boolean)
    if (!found.length) continue
    const value = found.reduce((sum, each) => sum + each.value, 0) / found.length
    const end = Math.max(...found.map((each) => each.end))
    ;(panels[label.yaxis] ??= []).push({ label, value, end })
  }
  const texts = []
  for (const shown of Object.values(panels)) {
    const { xaxis, yaxis } = chart._fullLayout._plots[shown[0].label.xaxis + shown[0].label.yaxis]
    // pixels upwards
    const heights = shown.map(({ value }) => yaxis._length - yaxis.l2p(yaxis.type === "log" ? Math.log10(value) : value))
    apart(heights, LABEL_LINE, LABEL_LINE / 2, yaxis._length).forEach((height, index) => {
      const { label, value, end } = shown[index]
      texts.push({
        x: xaxis._offset + Math.min(xaxis._length, Math.max(0, xaxis.l2p(end))) + 8,
        y: yaxis._offset + yaxis._length - height, text: label.text[0] ?? label.text, font: label.textfont, value,
      })
    })
  }
  while (layer.childElementCount > texts.length) layer.lastElementChild.remove()
  while (layer.childElementCount < texts.length) {
    const text = document.createElementNS(svg.namespaceURI, "text")
    text.append(...["", ""].map(() => document.createElementNS(svg.namespaceURI, "tspan")))
    text.setAttribute("dominant-baseline", "central")
    text.lastElementChild.setAttribute("font-weight", "bold")
    layer.append(text)
  }
  texts.forEach(({ x, y, text, font, value }, index) => {
    const element = layer.children[index]
    const [, name, number, unit] = text.match(/^\s*(.*?)\s*<b>([\d.]+)(.*)<\/b>$/) ?? [null, text, "", ""]
    const digits = number.split(".")[1]?.length ?? 0
    element.setAttribute("x", x)
    element.setAttribute("y", y)
    element.setAttribute("style", `font-family: ${font.family}; font-size: ${font.size}px; fill: ${font.color}`)
    element.firstElementChild.textContent = `${name} `
    element.lastElementChild.textContent = number ? `${value.toFixed(digits)}${unit}` : ""
  })
}

function offerReplay(bar, chart, data) {
  const [button, slider, time, speed] = ["button", "input", "output", "select"].map((each) => bar.querySelector(each))
  const replay = (chart.explorerReplay = { part: 1, playing: false })
  const title = () => chart._fullLayout.xaxis.title.text
  const shown = (part) => {
    const { axis, at } = axisOf(chart), moment = axis.type === "log" ? 10 ** at(part) : at(part)
    return `${title()} ${Math.round(moment).toLocaleString("en")}`
  }
  replay.show = (part) => {
    replay.part = part
    showMoment(chart, part)
    slider.value = 1000 * part
    time.textContent = shown(part)
    slider.setAttribute("aria-valuetext", time.textContent)
  }
  const setPlaying = (playing) => {
    replay.playing = playing
    button.textContent = playing ? "Pause" : "Replay"
    button.dataset.icon = playing ? "❚❚" : "▶"
    if (playing) requestAnimationFrame((now) => { replay.last = now; frame(now) })
  }
  const frame = (now) => {
    if (!replay.playing || !chart.isConnected) return
    if (now - replay.last >= FRAME_MS) {
      const part = Math.min(1, replay.part + (now - replay.last) / (1000 * Number(speed.value)))
      replay.last = now
      replay.show(part)
      if (part === 1) return setPlaying(false)
    }
    requestAnimationFrame(frame)
  }
  replay.play = () => {
    if (replay.part === 1) replay.show(0)
    setPlaying(true)
  }
  button.onclick = () => (replay.playing ? setPlaying(false) : replay.play())
  slider.oninput = () => {
    setPlaying(false)
    replay.show(slider.value / 1000)
  }
  chart.on("plotly_afterplot", () => { if (replay.part < 1) showMoment(chart, replay.part) })
  replay.show(1)
  setPlaying(false)
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return
  const seen = `explorer-replayed-${data.replay}`
  if (chart.closest(STAGE) || (data.plays && !sessionStorage.getItem(seen))) {
    sessionStorage.setItem(seen, "1")
    replay.play()
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const room = parentElement.querySelector(".explorer-chart-room"), chart = room?.firstElementChild
  if (!chart) return
  const bar = parentElement.querySelector(".explorer-replay")
  const revision = (chart.explorerRevision = (chart.explorerRevision ?? 0) + 1)
  chart.explorerSend = setTriggerValue
  bar.hidden = !data.replay
  if (data.figure) {
    if (!chart.on) chart.style.minHeight = `${data.height}px`
    chart.setAttribute("aria-label", data.alt)
  }
  plotly(data.script).then(async (Plotly) => {
    await painted()
    if (!data.figure || !chart.isConnected || chart.explorerRevision !== revision) return
    let text = data.figure
    if (isDark(chart)) for (const [light, dark] of Object.entries(data.dark)) text = text.replaceAll(light, dark)
    if (text === chart.explorerText) return // unchanged: keep the reader's hover
    chart.explorerText = text
    const first = !chart.on
    await draw(room, chart, Plotly, data)
    if (data.replay) chart.explorerSpan = spanOf(chart, JSON.parse(text).layout.xaxis.range[0])
    if (!first) return
    if (data.clickable) sendClicks(chart)
    chart.explorerLeave = followSize(room, () => draw(room, chart, Plotly, data))
    if (data.replay) offerReplay(bar, chart, data)
  }).catch((error) => {
    console.error(error)
    chart.innerHTML = '<div class="explorer-chart-note">The chart script did not load. Reload the page.</div>'
  })
  return () => { chart.explorerLeave?.(); globalThis.Plotly?.purge(chart) }
}
