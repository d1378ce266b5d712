// A figure in its room on a page: how large, panels beside or below each other, notes and legends in lines that fit.
// Shared by the charts of the app and by files that open offline.

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

// Size in which a figure is drawn, at least so wide, and the factor by which all of it is then enlarged.
function sizeIn(room, layout, least = LEAST_WIDTH) {
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
  const width = Math.max(wide, least)
  return { scale: wide / width, width, height: layout.height }
}

function fit(figure, size) {
  const { layout } = figure
  layout.autosize = false
  if (layout.meta?.width) return Object.assign(layout, { width: size.width, height: size.height })
  if (size.stage && layout.height > size.height) leaveOut(figure)
  layout.width = size.width
  if (size.stage) layout.height = size.height
  else if (size.width < STACKED_WIDTH) stack(figure)
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
function stack({ data, layout }) {
  const panels = Object.keys(layout)
    .filter((key) => key.startsWith("xaxis") && layout[key].domain && !layout[key].overlaying)
    .map((x) => ({ x, y: layout[x].anchor?.replace("y", "yaxis"), start: layout[x].domain[0] }))
    .sort((one, other) => one.start - other.start)
  const starts = new Set(panels.map((panel) => panel.start))
  if (panels.length < 2 || starts.size < panels.length || panels.some((panel) => !layout[panel.y])) return
  const { margin } = layout, high = 0.8 * (layout.height - margin.t - margin.b)
  const rows = panels.map(({ x }) => legendRows(data, layout, x.replace("xaxis", "legend")))
  const gap = PANEL_GAP + LEGEND_ROW * (Math.max(1, ...rows.slice(1)) - 1) // the first is above all panels
  const total = panels.length * high + (panels.length - 1) * gap
  panels.forEach(({ x, y, start }, place) => {
    const top = 1 - (place * (high + gap)) / total
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

// Pixels of the entries of a legend; none if there is no such legend.
function entryWidths(data, layout, key) {
  const font = layout[key]?.font ?? layout.font
  const shown = data.filter((trace) => trace.showlegend !== false && (trace.legend ?? "legend") === key)
  const names = layout[key] ? [...new Set(shown.map((trace) => trace.name ?? ""))] : []
  return names.map((name) => measure(name, font, layout.font.family) + LEGEND_SYMBOL)
}

// Rows of a legend whose entries follow each other between the margins.
function legendRows(data, layout, key) {
  const room = layout.width - layout.margin.l - layout.margin.r
  return Math.ceil(entryWidths(data, layout, key).reduce((sum, width) => sum + width, 0) / room)
}

function wrapLegends({ data, layout }) {
  if (layout.showlegend === false) return
  const room = layout.width - layout.margin.l - layout.margin.r
  let most = 0
  for (const key of Object.keys(layout).filter((each) => /^legend\d*$/.test(each))) {
    const legend = layout[key], widths = entryWidths(data, layout, key)
    if (legend.entrywidthmode === "fraction") {
      const columns = Math.round(0.9 / legend.entrywidth)
      const fitting = Math.max(1, Math.floor((0.9 * room) / Math.max(...widths, 1)))
      if (columns <= fitting) continue
      const fewer = Math.ceil(columns / Math.ceil(columns / fitting))
      legend.entrywidth = 0.9 / fewer
      most = Math.max(most, Math.ceil(widths.length / fewer) - Math.ceil(widths.length / columns))
    } else if (layout.width < STACKED_WIDTH && legend.orientation === "h") {
      most = Math.max(most, legendRows(data, layout, key) - 1)
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

// Plotly looks for a trace by a selector made of its uid, in which a space or a slash is an error.
function nameForSelectors(traces) {
  const plain = (uid) => uid.replace(/[^\w-]/g, "_")
  for (const trace of traces) {
    if (trace.uid) trace.uid = plain(trace.uid)
    if (trace.meta?.lines) trace.meta.lines = trace.meta.lines.map(plain)
  }
}

// Gives the chart, and the room around it, the size in which the figure is drawn.
function takeRoom(room, chart, { width, height }, scale) {
  Object.assign(chart.style, {
    width: `${width}px`, height: `${height}px`, minHeight: "", transformOrigin: "0 0",
    transform: scale === 1 ? "" : `scale(${scale})`,
    marginLeft: `${Math.max(0, (room.clientWidth - width * scale) / 2)}px`,
  })
  room.style.height = `${Math.ceil(height * scale)}px`
  room.style.overflowX = scale === 1 && width > room.clientWidth + 1 ? "auto" : "hidden"
}
