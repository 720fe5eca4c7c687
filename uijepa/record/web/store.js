"use strict";
/* The state of one app: collections of records and single values, and the questions asked about it. */
class Store {
  constructor(state) {
    this.collections = state.collections || {};
    this.values = state.values || {};
    this.draft = {};
    this.next = 1;
    for (const records of Object.values(this.collections)) for (const record of records) this.stamp(record);
  }

  stamp(record) {
    record.key = `r${this.next++}`;
    return record;
  }

  /* What a template's {name} means here: the current record first, then the form, then the app's values.
     {draft.name} is the form's alone. */
  lookup(name, record) {
    if (name.startsWith("draft.")) return this.draft[name.slice(6)];
    for (const scope of [record, this.draft, this.values]) {
      if (scope && name in scope) return scope[name];
    }
    return "";
  }

  fill(template, record) {
    if (typeof template !== "string") return template;
    const whole = template.match(/^\{([\w.]+)\}$/);
    if (whole) return this.lookup(whole[1], record);
    return template.replace(/\{([\w.]+)\}/g, (_, name) => String(this.lookup(name, record)));
  }

  matches(record, where, scope) {
    return Object.entries(where).every(([name, value]) => record[name] === this.fill(value, scope));
  }

  /* Records of a collection that pass `where`, in the order of `sort`. */
  select(name, where, sort, scope) {
    const found = this.collections[name].filter((record) => !where || this.matches(record, where, scope));
    if (!sort) return found;
    const rank = (record) => Store.rank(record[sort]);
    return found.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
  }

  /* Clock times sort by the hour, everything else by its text. */
  static rank(value) {
    const time = /^(\d+):(\d\d) ([AP])M$/.exec(value);
    if (!time) return String(value).toLowerCase();
    return ((Number(time[1]) % 12) + (time[3] === "P" ? 12 : 0)) * 60 + Number(time[2]);
  }

  add(name, record) {
    this.collections[name].push(this.stamp(record));
    return record;
  }

  remove(record) {
    for (const [name, records] of Object.entries(this.collections)) {
      this.collections[name] = records.filter((other) => other !== record);
    }
  }

  /* Whether one condition of a goal holds. */
  holds(goal) {
    if ("exists" in goal) return this.collections[goal.exists].some((r) => this.matches(r, goal.where));
    if ("missing" in goal) return !this.collections[goal.missing].some((r) => this.matches(r, goal.where));
    return Object.entries(goal.values).every(([name, value]) => this.values[name] === value);
  }
}
