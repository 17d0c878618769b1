// What test_postgrest_clients.py has the official JavaScript client do: node session.cjs <url> <key>.
// Prints one JSON object: of each step its data, its count where one was asked for, or the code of its error.
const { PostgrestClient } = require("@supabase/postgrest-js")

const [url, key] = process.argv.slice(2)
const db = new PostgrestClient(url, { headers: { apikey: key, Authorization: `Bearer ${key}` } })
const films = () => db.from("films")
const rows = [{ id: 20, title: "x" }, { id: 21, title: "y" }]

const steps = {
  filters: () => films().select("id,title").gte("year", 2000).neq("title", "B").order("id", { ascending: false }),
  quoted: () => films().select("id").in("title", ["a,b", 'c"d', "(e)"]).order("id"),
  either: () => films().select("id").or("year.lt.1950,and(year.gte.2000,title.like.*b)").order("id"),
  unknown: () => films().select("id").is("year", null),
  known: () => films().select("id").not("year", "is", null).ilike("title", "b%"),
  tagged: () => films().select("id").contains("tags", ["new"]),
  nulls: () => films().select("id").order("year", { ascending: false, nullsFirst: false }).limit(1),
  cast: () => films().select("cost:price::text").eq("id", 1),
  page: () => films().select("id", { count: "exact" }).order("id").range(1, 2),
  counted: () => films().select("*", { count: "exact", head: true }),
  one: () => films().select("id").eq("id", 2).single(),
  several: () => films().select("id").single(),
  none: () => films().select("id").eq("id", 99).maybeSingle(),
  csv: () => films().select("id,title").eq("id", 2).csv(),
  insert: () => films().insert({ title: "new" }).select("title"),
  silent: () => films().insert(rows),
  twice: () => films().insert({ id: 20, title: "x" }),
  merged: () => films().upsert([{ id: 20, title: "z" }, { id: 22, title: "w" }]).select("id,title"),
  ignored: () => films().upsert({ id: 20, title: "q" }, { onConflict: "id", ignoreDuplicates: true }).select("id"),
  repeated: () => films().upsert([{ id: 1, title: "a" }, { id: 1, title: "b" }]),
  update: () => films().update({ year: 1999 }).eq("id", 20).select("id,year"),
  update_all: () => films().update({ year: 1999 }),
  delete: () => films().delete({ count: "exact" }).gte("id", 20),
  delete_all: () => films().delete(),
  scalar: () => db.rpc("add", { a: 1, b: 2 }),
  rows: () => db.rpc("since", { first: 1990 }).select("id").order("id").limit(2),
  fetched: () => db.rpc("add", { a: 1, b: 2 }, { get: true }),
  no_function: () => db.rpc("subtract", { a: 1 }),
  no_table: () => db.from("nothing").select(),
  no_column: () => films().insert({ nothing: 1 }),
  no_schema: () => db.schema("hidden").from("films").select(),
}

async function main() {
  const told = {}
  for (const [name, step] of Object.entries(steps)) {
    const { data, count, error } = await step()
    told[name] = error ? { error: error.code } : { data, ...(count === null ? {} : { count }) }
  }
  console.log(JSON.stringify(told))
}

main()
