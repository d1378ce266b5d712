const STAGE = ".st-key-stage" // see presenting.py
const STAGE_HEIGHT = 0.75 // of the window: the sentence above and the bar below have the rest
const LARGE = 1.8 // letters on a stage, at least
const STAGE_LINES = 540 // pixels: of a higher window the letters are larger still
const LEAST_WIDTH = 460 // pixels: on a narrower page a figure is drawn this wide and made smaller
const STACKED_WIDTH = 740 // pixels, below which panels are drawn one below the other
const LEAST_SHEET = 0.7 // of its own width: a sheet on a narrower page is scrolled
const PANEL_GAP = 112 // pixels between stacked panels: axis title, heading
const LINE = 20 // pixels of a line of a note
const LABEL_LINE = 19.5 // pixels between the labels at the ends of lines
const LEGEND_ROW = 26, LEGEND_SYMBOL = 52 // pixels
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

// Figures are made for a light page: only the browser knows at once when the reader switches to a dark one.
function isDark(element) {
  const probe = document.createElement("canvas").getContext("2d")
  probe.fillStyle = getComputedStyle(element).getPropertyValue("--st-background-color").trim() || "white"
  probe.fillRect(0, 0, 1, 1)
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data
  return 0.3 * red + 0.6 * green + 0.1 * blue < 128
}

// ---- A figure in its room -------------------------------------------------------------------------------------------

// Size in which a figure is drawn, and the factor by which all of it is then enlarged.
function sizeIn(room, layout) {
  const wide = room.clientWidth, own = layout.meta?.width // of a sheet, whose letters are placed for it
  if (room.closest(STAGE)) {
    const high = Math.round(STAGE_HEIGHT * innerHeight)
    if (own) {
      const scale = Math.min(wide / own, high / layout.height)
      return { stage: true, scale, width: own, height: layout.height }
    }
    const scale = Math.max(LARGE, innerHeight / STAGE_LINES)
    return { stage: true, scale, width: wide / scale, height: high / scale }
  }
  if (own) {
    const width = Math.max(wide, LEAST_SHEET * own)
    const factor = Math.min(width / own, Math.max(1, (0.9 * innerHeight) / layout.height), 1.6)
    return { scale: 1, width, height: Math.round(layout.height * factor) }
  }
  const width = Math.max(wide, LEAST_WIDTH)
  return { scale: wide / width, width, height: layout.height }
}

function fit(figure, size) {
  const { layout } = figure
  layout.autosize = false
  if (layout.meta?.width) return Object.assign(layout, { width: size.width, height: size.height })
  if (size.stage && layout.height > size.height) leaveOut(figure)
  layout.width = size.width
  if (size.stage) layout.height = size.height
  else if (size.width < STACKED_WIDTH) stack(layout)
  wrapNotes(layout)
  wrapLegends(figure)
  spreadLabels(figure)
  keepLabelsOutOfPanels(figure)
}

// What a stage has no room for: the note, and a legend of lines that have their names at their ends.
function leaveOut({ data, layout }) {
  if (layout.annotations?.some((each) => each.name === "note")) {
    const lines = layout.annotations.find((each) => each.name === "note").text.split("<br>").length
    layout.annotations = layout.annotations.filter((each) => each.name !== "note")
    layout.margin.b -= LINE * lines + 10
  }
  if (data.some((trace) => trace.meta?.lines) && layout.legend && !layout.legend.title) {
    layout.showlegend = false
    layout.margin.t = Math.min(layout.margin.t, 44)
  }
}

// Panels beside each other come below each other.
function stack(layout) {
  const panels = Object.keys(layout)
    .filter((key) => key.startsWith("xaxis") && layout[key].domain && !layout[key].overlaying)
    .map((x) => ({ x, y: layout[x].anchor?.replace("y", "yaxis"), start: layout[x].domain[0] }))
    .sort((one, other) => one.start - other.start)
  const starts = new Set(panels.map((panel) => panel.start))
  if (panels.length < 2 || starts.size < panels.length || panels.some((panel) => !layout[panel.y])) return
  const { margin } = layout, high = 0.8 * (layout.height - margin.t - margin.b)
  const total = panels.length * high + (panels.length - 1) * PANEL_GAP
  panels.forEach(({ x, y, start }, place) => {
    const top = 1 - (place * (high + PANEL_GAP)) / total
    layout[x].domain = [0, 1]
    layout[y].domain = [Math.max(0, top - high / total), top]
    layout[y].showticklabels = true
    layout[y].title ??= layout[panels[0].y].title
    for (const each of layout.annotations ?? []) {
      if (each.name === "heading" && each.x === start) Object.assign(each, { x: 0, y: top })
    }
    const legend = layout[x.replace("xaxis", "legend")]
    if (legend?.yref !== "container" && legend?.x === start) Object.assign(legend, { x: 0, y: top + 8 / total })
  })
  layout.height = total + margin.t + margin.b
}

function measure(text, font, family) {
  const pen = (measure.pen ??= document.createElement("canvas").getContext("2d"))
  pen.font = `${font.bold ? "bold " : ""}${font.size}px ${family}`
  return pen.measureText(text.replace(/<.*?>/g, "")).width
}

function wrapNotes(layout) {
  const room = layout.width - layout.margin.l - 8
  for (const note of layout.annotations ?? []) {
    if (note.name !== "note") continue
    const lines = note.text.split("<br>"), widthOf = (text) => measure(text, note.font, layout.font.family)
    const wrapped = lines.flatMap((line) => wrap(line, room, widthOf))
    const more = LINE * (wrapped.length - lines.length)
    note.text = wrapped.join("<br>")
    layout.margin.b += more
    layout.height += more
  }
}

// Lines no wider than `room`, broken between the parts of a note where possible, else between words.
function wrap(line, room, widthOf) {
  if (widthOf(line) <= room) return [line]
  for (const gap of ["\u2003", " "]) {
    const parts = line.split(gap)
    if (parts.length < 2 || (gap !== " " && parts.some((part) => widthOf(part) > room))) continue
    const lines = [parts.shift()]
    for (const part of parts) {
      const longer = lines.at(-1) + gap + part
      if (widthOf(longer) <= room) lines[lines.length - 1] = longer
      else lines.push(part)
    }
    return lines
  }
  return [line]
}

function wrapLegends({ data, layout }) {
  if (layout.showlegend === false) return
  const room = layout.width - layout.margin.l - layout.margin.r
  let most = 0
  for (const key of Object.keys(layout).filter((each) => /^legend\d*$/.test(each))) {
    const legend = layout[key], font = legend.font ?? layout.font
    const shown = data.filter((trace) => trace.showlegend !== false && (trace.legend ?? "legend") === key)
    const names = [...new Set(shown.map((trace) => trace.name ?? ""))]
    const widths = names.map((name) => measure(name, font, layout.font.family) + LEGEND_SYMBOL)
    if (legend.entrywidthmode === "fraction") {
      const columns = Math.round(0.9 / legend.entrywidth)
      const fitting = Math.max(1, Math.floor((0.9 * room) / Math.max(...widths, 1)))
      if (columns <= fitting) continue
      const fewer = Math.ceil(columns / Math.ceil(columns / fitting))
      legend.entrywidth = 0.9 / fewer
      most = Math.max(most, Math.ceil(names.length / fewer) - Math.ceil(names.length / columns))
    } else if (layout.width < STACKED_WIDTH && legend.orientation === "h") {
      most = Math.max(most, Math.ceil(widths.reduce((sum, width) => sum + width, 0) / layout.width) - 1)
    }
  }
  layout.margin.t += LEGEND_ROW * most
  layout.height += LEGEND_ROW * most
}

// Places at least `gap` apart, in the same order, none below `low`, none above `top` unless there are too many.
function apart(places, gap, low, top) {
  const order = places.map((_, index) => index).sort((one, other) => places[one] - places[other])
  const moved = []
  for (const index of order) moved.push(Math.max(places[index], moved.length ? moved.at(-1) + gap : low))
  for (let place = moved.length - 1, ceiling = top; place >= 0; place--) {
    moved[place] = Math.min(moved[place], ceiling)
    ceiling = moved[place] - gap
  }
  const result = []
  order.forEach((index, place) => { result[index] = moved[place] })
  return result
}

// A figure knows its shares, only the browser its pixels.
function spreadLabels({ data, layout }) {
  const panels = {}
  for (const trace of data) if (trace.meta?.lines) (panels[trace.yaxis ?? "y"] ??= []).push(trace)
  for (const [name, labels] of Object.entries(panels)) {
    const axis = layout[name.replace("y", "yaxis")], [low, high] = axis.range, isLog = axis.type === "log"
    const domain = axis.domain ?? [0, 1]
    const pixels = (layout.height - layout.margin.t - layout.margin.b) * (domain[1] - domain[0])
    const gap = (LABEL_LINE / pixels) * (high - low)
    const values = labels.map((label) => (isLog ? Math.log10(label.meta.value) : label.meta.value))
    apart(values, gap, low + gap / 2, high).forEach((place, index) => { labels[index].y = [isLog ? 10 ** place : place] })
  }
}

// A panel ends early enough for the labels of its lines to end before the panel beside it.
function keepLabelsOutOfPanels({ data, layout }) {
  const axisOf = (trace) => layout[(trace.xaxis ?? "x").replace("x", "xaxis")]
  const starts = data.map((trace) => axisOf(trace)?.domain?.[0]).filter((start) => start !== undefined)
  for (const trace of data) {
    const domain = trace.meta?.lines && axisOf(trace)?.domain
    const next = domain && Math.min(...starts.filter((start) => start >= domain[1]))
    if (!domain || next === Infinity) continue
    const size = trace.textfont.size, wide = measure(trace.text[0], { size, bold: true }, layout.font.family) + size
    domain[1] = Math.max(0.3, Math.min(domain[1], next - wide / (layout.width - layout.margin.l - layout.margin.r)))
  }
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

// Plotly looks for a trace by a selector made of its uid, in which a space or a slash is an error.
function nameForSelectors(traces) {
  const plain = (uid) => uid.replace(/[^\w-]/g, "_")
  for (const trace of traces) {
    if (trace.uid) trace.uid = plain(trace.uid)
    if (trace.meta?.lines) trace.meta.lines = trace.meta.lines.map(plain)
  }
}

async function draw(room, chart, Plotly, data) {
  const figure = JSON.parse(chart.explorerText), size = sizeIn(room, figure.layout)
  nameForSelectors(figure.data)
  keepScales(chart, figure, data.scales)
  fit(figure, size)
  chart.explorerSize = [room.clientWidth, size.stage ? innerHeight : 0].join()
  const { width, height } = figure.layout
  Object.assign(chart.style, {
    width: `${width}px`, height: `${height}px`, minHeight: "", transformOrigin: "0 0",
    transform: size.scale === 1 ? "" : `scale(${size.scale})`,
    marginLeft: `${Math.max(0, (room.clientWidth - width * size.scale) / 2)}px`,
  })
  room.style.height = `${Math.ceil(height * size.scale)}px`
  room.style.overflowX = size.scale === 1 && width > room.clientWidth + 1 ? "auto" : "hidden"
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
