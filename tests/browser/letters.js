// What cannot be read in the figures of a page, in words: letters that are too small, cut or over others, markers that
// are cut. `within` is a selector of the part of the page, `least` the smallest size of letters in pixels.
({ within, least }) => {
  const found = []
  const say = (fault, element) => found.push(`${fault}: ${element.textContent.trim().slice(0, 40) || element.tagName}`)
  const area = (box) => Math.max(0, box.width) * Math.max(0, box.height)
  const seen = (element) => element.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true })
    && area(element.getBoundingClientRect()) > 0

  // The box of the letters themselves: that of a font has room above and below.
  const boxOf = (text) => {
    const { left, right, top, bottom } = text.getBoundingClientRect(), upright = bottom - top > 1.5 * (right - left)
    const size = sizeOf(text), slack = 0.18 * size
    return upright && turnOf(text)
      ? { left: left + slack, right: right - slack, top: top + 1, bottom: bottom - 1 }
      : { left: left + 1, right: right - 1, top: top + slack, bottom: bottom - slack }
  }
  const turnOf = (text) => {
    const { a, b } = text.getCTM()
    return Math.round(Math.abs((Math.atan2(b, a) * 180) / Math.PI))
  }
  const sizeOf = (text) => {
    const chart = text.closest(".explorer-chart"), { a, b } = text.getCTM()
    const factor = chart.getBoundingClientRect().width / chart.offsetWidth
    return factor * Math.hypot(a, b) * parseFloat(getComputedStyle(text.querySelector("tspan") ?? text).fontSize)
  }
  // What the panel of an element shows of it, in pixels of the page.
  const clipOf = (element) => {
    const holder = element.closest("[clip-path]")
    const rect = holder && document.querySelector(holder.getAttribute("clip-path").replace(/^url\(["']?|["']?\)$/g, "") + " rect")
    if (!rect) return null
    const chart = element.closest(".explorer-chart"), room = chart.getBoundingClientRect()
    const factor = room.width / chart.offsetWidth, { a, d, e, f } = holder.getCTM()
    const number = (name) => parseFloat(rect.getAttribute(name) ?? 0)
    const left = room.left + factor * (e + a * number("x")), top = room.top + factor * (f + d * number("y"))
    return { left, top, right: left + factor * a * number("width"), bottom: top + factor * d * number("height") }
  }
  const beyond = (inner, outer, by) => inner.left < outer.left - by || inner.right > outer.right + by
    || inner.top < outer.top - by || inner.bottom > outer.bottom + by
  const common = (one, other) => Math.min(
    Math.min(one.right, other.right) - Math.max(one.left, other.left),
    Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top))

  for (const room of document.querySelectorAll(`${within} .explorer-chart-room`)) {
    if (!seen(room)) continue
    const place = room.getBoundingClientRect()
    const inside = { left: place.left, top: place.top, right: place.left + room.scrollWidth, bottom: place.bottom }
    if (place.right > innerWidth + 1) found.push("figure wider than the window")
    const texts = [...room.querySelectorAll(".main-svg text")].filter((text) => text.textContent.trim() && seen(text)
      && !text.closest(".hoverlayer, .modebar"))
    for (const text of texts) {
      const box = boxOf(text), clip = clipOf(text)
      if (sizeOf(text) < least - 0.05) say(`${sizeOf(text).toFixed(1)} px`, text)
      if (beyond(box, inside, 1)) say("outside of its figure", text)
      if (clip && beyond(box, clip, 1)) say("cut by its panel", text)
    }
    texts.forEach((text, index) => {
      for (const other of texts.slice(0, index)) {
        if (turnOf(text) % 90 && turnOf(other) % 90) continue // the boxes of slanted texts are too large
        if (common(boxOf(text), boxOf(other)) > 1) say(`over ${other.textContent.trim().slice(0, 30)}`, text)
      }
    })
    // A label at the end of a line, over a panel that begins to its right.
    const panels = [...room.querySelectorAll(".main-svg .bglayer rect")].map((each) => each.getBoundingClientRect())
    for (const label of room.querySelectorAll(".main-svg .scatterlayer text")) {
      const box = label.getBoundingClientRect()
      if (panels.some((panel) => area(panel) && panel.left > box.left + 2 && common(box, panel) > 1)) say("in the next panel", label)
    }
    for (const marker of room.querySelectorAll(".main-svg .points path.point")) {
      const clip = clipOf(marker), box = marker.getBoundingClientRect()
      if (!clip || !area(box) || !seen(marker)) continue
      const x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2
      const centre = { left: x, right: x, top: y, bottom: y }
      if (!beyond(centre, clip, 1) && beyond(box, clip, 0.2 * box.width)) say("marker cut by its panel", marker)
    }
  }
  // All other words of that part of the page.
  const words = document.createTreeWalker(document.querySelector(within), NodeFilter.SHOW_TEXT)
  while (words.nextNode()) {
    const holder = words.currentNode.parentElement
    if (!words.currentNode.textContent.trim() || holder.closest("svg, style, script, select") || !seen(holder)) continue
    const size = parseFloat(getComputedStyle(holder).fontSize), box = holder.getBoundingClientRect()
    if (size < least - 0.05) say(`${size.toFixed(1)} px`, holder)
    if (within !== "body" && (box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > innerHeight + 1))
      say("outside of the window", holder)
  }
  return [...new Set(found)]
}
