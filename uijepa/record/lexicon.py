"""Everyday phrases: what people put on lists, send, play, eat, buy and read, as small grammars.

`PHRASES[kind]` holds patterns; `{pool}` in a pattern is a word of `POOLS[pool]`. Every kind has hundreds of phrases,
so that each split finds its own (see `uijepa.record.values`).
"""

from __future__ import annotations

_WORDS = {
    "person": (
        "Mum, Dad, Anna, Ben, Carla, Omar, Priya, Lena, Tom, Yuki, the kids, Grandma, my sister, Paul, the team"
    ),
    "errand": (
        "milk, bread, coffee, the parcel, the tickets, the dry cleaning, flowers, the cake, batteries, "
        "stamps, the medicine, dog food, paint, the keys, two pizzas, the printer paper, a birthday card, "
        "the spare tyre"
    ),
    "place": (
        "the station, the office, school, the gym, the airport, the market, the library, the dentist, home, "
        "the park gate, the cinema, the pharmacy, the bakery, the garage, the beach, the town hall, the "
        "clinic"
    ),
    "when": (
        "tonight, tomorrow, on Friday, on Sunday, next week, at noon, after work, before six, this "
        "afternoon, in an hour, around eight, after lunch, early tomorrow, on Monday morning, this weekend, "
        "later today"
    ),
    "fix": (
        "the dishwasher, the bike light, the garden gate, the radio, the bedroom lamp, the tap, the "
        "printer, the laptop, the heater, the front door, the washing machine, the roof window, the car "
        "wipers, the phone case"
    ),
    "paper": (
        "rent, the electricity bill, the water bill, the school fees, the parking fine, the phone bill, the "
        "insurance, the gym fees, the tax form, the library card, the passport, the car papers, the visa"
    ),
    "event": (
        "dinner, lunch, breakfast, coffee, drinks, a walk, a run, a film, a haircut, the dentist, band "
        "practice, a parents' evening, yoga, a swim, a picnic, the book club, the game, chess night, a "
        "concert, the barbecue"
    ),
    "work": (
        "budget, roadmap, hiring, launch, design, contract, survey, travel, training, safety, garden, "
        "website, newsletter, invoice, holiday, warehouse, customer, press, photo, summer party, audit, "
        "product"
    ),
    "meet": (
        "review, meeting, call, workshop, plan, check-in, interview, update, briefing, lunch, demo, kick- "
        "off, notes, checklist, ideas, draft, summary, schedule, report"
    ),
    "mood": (
        "Golden, Silver, Broken, Quiet, Electric, Midnight, Paper, Crystal, Wild, Lonely, Velvet, Distant, "
        "Summer, Neon, Hollow, Gentle, Burning, Hidden, Frozen, Scarlet, Restless, Early, Sleepless, "
        "Northern"
    ),
    "image": (
        "Rivers, Skies, Hearts, Shadows, Lanterns, Echoes, Highways, Mirrors, Gardens, Satellites, Oceans, "
        "Dreams, Letters, Windows, Thunder, Tides, Embers, Horizons, Birds, Maps, Machines, Stories, "
        "Avenue, Signals"
    ),
    "taste": (
        "Spicy, Grilled, Creamy, Crispy, Roasted, Smoky, Fresh, Sweet, Baked, Lemon, Garlic, Honey, Pepper, "
        "Sesame, Herb, Coconut, Chili, Ginger, Tomato, Mustard"
    ),
    "food": (
        "chicken, salmon, tofu, shrimp, beef, lamb, mushroom, eggplant, pumpkin, lentil, potato, chickpea, "
        "turkey, noodle, spinach, avocado, halloumi, bean"
    ),
    "served": (
        "curry, bowl, salad, burger, wrap, soup, pizza, pasta, tacos, stew, rice, noodles, sandwich, "
        "skewers, pie, risotto, dumplings"
    ),
    "trade": ("Kitchen, Bistro, Grill, Diner, Table, Oven, House, Garden, Corner, Canteen, Bakery, Cafe, Noodle Bar"),
    "nature": (
        "Olive, Maple, Harbour, River, Sunset, Cedar, Lotus, Copper, Willow, Saffron, Juniper, Blue Door, "
        "Old Mill, Red Lantern, Green Leaf, Lighthouse, Amber, Orchard, Pepper Tree, Little Fox, Stone "
        "Bridge, Moonlight"
    ),
    "stay": "Hotel, Inn, Lodge, Suites, Resort, Guesthouse, Residence, Palace, Villa, Apartments, Hostel",
    "colour": "Black, White, Blue, Green, Red, Grey, Navy, Sand, Olive, Rose, Yellow, Brown, Cream, Copper",
    "stuff": (
        "cotton, leather, wool, linen, canvas, steel, oak, ceramic, glass, bamboo, denim, silk, rubber, walnut"
    ),
    "good": (
        "backpack, sneakers, desk lamp, headphones, jacket, mug, scarf, water bottle, notebook, umbrella, "
        "chair, watch, sunglasses, cushion, kettle, wallet, blanket, teapot, phone case, vase, belt, cap, "
        "clock"
    ),
    "verb": "Call, Visit, Thank, Email, Invite, Meet, Remind, Ask",
    "chore": (
        "Water the plants, Clean the fridge, Walk the dog, Sort the photos, Wash the car, Feed the cat, "
        "Iron the shirts, Sweep the stairs, Back up the laptop, Mow the lawn, Empty the bins, Defrost the "
        "freezer, Vacuum the hall, Charge the camera, Change the sheets, Oil the bike, Air the rooms, Fold "
        "the laundry"
    ),
    "who": (
        "City council, Local team, Scientists, Museum, Students, Engineers, Farmers, Bakers, Nurses, "
        "Voters, Tourists, Cyclists, Small firms, Rail company, Airline, Zoo, Orchestra, Volunteers, "
        "Harbour town, Mountain village"
    ),
    "did": (
        "celebrates, plans, opens, delays, wins, studies, repairs, welcomes, rejects, funds, rebuilds, "
        "launches, discovers, protects, redesigns, sells, restores, doubles"
    ),
    "what": (
        "new bridge, solar roof, record harvest, night trains, old theatre, electric buses, rare orchid, "
        "music prize, river path, winter market, robot kitchen, free museum day, island ferry, stadium "
        "plan, water tower, book fair, wind farm, public pool, ancient map, tram line"
    ),
    "theme": (
        "History, Science, Money, Food, Ocean, Design, Crime, Space, Football, Family, Language, Garden, "
        "Comedy, Travel, Health, Music, Startup, Nature, Film, Philosophy"
    ),
    "show": (
        "Hour, Stories, Matters, Weekly, Unpacked, Notebook, Club, Daily, Files, Talks, Diaries, Explained, "
        "Lab, Minutes, Road, Table, Signal"
    ),
    "tool": (
        "Pocket, Super, Simple, Daily, Magic, Smart, Tiny, Bright, Quick, Happy, Deep, Clear, Mighty, "
        "Lucky, Urban, Cosmic"
    ),
    "app": (
        "Budget, Sketch, Scanner, Planner, Runner, Weather, Journal, Chess, Puzzle, Recipes, Sleep, Focus, "
        "Guitar, Garden, Quiz, Translate, Camera, Farm, Racer, Words"
    ),
    "paperwork": (
        "Invoice, Report, Contract, Receipt, Budget, Slides, Letter, Resume, Agenda, Survey, Scan, Manual, "
        "Recipe, Ticket, Timetable, Minutes"
    ),
    "about": (
        "spring, summer, autumn, winter, March, October, final, draft, signed, copy, team, client, home, "
        "school, garden, Berlin, Lisbon, Oslo, v2, v3, 2024, 2025, backup, kitchen"
    ),
    "album": (
        "Holiday, Weekend, Wedding, Birthday, Garden, Hiking, Beach, Road trip, City, Ski, Family, Market, "
        "Festival, Camping, Graduation, Sailing"
    ),
    "spot": (
        "Lisbon, the Alps, Grandma's, Kyoto, the lake, Rome, the coast, Bergen, the farm, Paris, the "
        "island, Cork, the forest, Madrid, the cabin, Tallinn, Porto"
    ),
    "exercise": "Morning, Evening, Easy, Long, Fast, Hilly, Lunch, Beach, Forest, Sunday, Recovery, Interval",
    "sport": "run, walk, ride, swim, yoga, hike, row, climb, stretch, workout, skate, dance",
    "room": (
        "Living room, Kitchen, Bedroom, Hallway, Office, Garage, Garden, Bathroom, Attic, Nursery, Porch, Cellar"
    ),
    "device": (
        "lamp, lights, heater, fan, blinds, speaker, camera, plug, ceiling light, coffee maker, sprinkler, thermostat"
    ),
    "noun": (
        "atlas, violin, tulip, comet, dragon, lantern, pirate, castle, glacier, tiger, robot, garden, spy, "
        "chef, pilot, orchard, island, detective, lighthouse, fox, painter, train"
    ),
    "search": (
        "best, cheap, how to clean, how to repair, history of, used, vegan, easy, opening hours for, "
        "pictures of, homemade, second-hand, tiny, giant"
    ),
    "object": (
        "a bicycle, pancakes, a guitar, tomato plants, a sofa, running shoes, wooden floors, a tent, "
        "lasagna, a telescope, sourdough, hiking boots, a piano, sea turtles, paper planes, a terrarium, "
        "red pandas, a canoe"
    ),
    "site": (
        "Cookbook, Field Notes, Daily Bird, Home Garden, City Guide, Slow Travel, Open Science, Film "
        "Corner, Trail Map, Night Sky, Word Origins, Bike Repair, Tea House, Old Maps, Small Boats, Chess "
        "Club"
    ),
    "group": (
        "Hikers, Neighbours, Choir, Book club, Class of, Football, Flat, Family, Cousins, Office, Band, "
        "Sailing, Film night, Gardeners"
    ),
    "reason": (
        "dinner, rent, tickets, the gift, groceries, the trip, petrol, lunch, the concert, books, repairs, taxi"
    ),
}
POOLS: dict[str, tuple[str, ...]] = {name: tuple(words.split(", ")) for name, words in _WORDS.items()}
"""Words by pool."""

PHRASES: dict[str, tuple[str, ...]] = {
    "message": (
        "Can you bring {errand} {when}",
        "I am at {place}, see you {when}",
        "Running late, meet me at {place}",
        "Shall we have {event} {when}",
        "Please pick up {errand} from {place}",
        "Thanks for {event}, it was great",
        "Did you pay {paper}",
        "The {work} {meet} is {when}",
        "Happy to help with {fix} {when}",
        "Do not forget {errand} {when}",
    ),
    "task": (
        "{chore}",
        "Buy {errand}",
        "Pay {paper}",
        "Fix {fix}",
        "{verb} {person} {when}",
        "Pick up {errand}",
        "Renew {paper}",
        "Book {event}",
        "{chore} {when}",
    ),
    "event": (
        "{work} {meet}",
        "{event} with {person}",
        "{event} at {place}",
        "{work} {meet} with {person}",
    ),
    "memo": (
        "{work} {meet}",
        "{album} in {spot}",
        "{taste} {food} {served}",
        "Ideas for {event}",
        "{work} ideas {when}",
    ),
    "subject": (
        "{work} {meet} {when}",
        "Your {work} {meet}",
        "{event} {when}",
        "Question about {paper}",
        "{album} photos from {spot}",
    ),
    "song": (
        "{mood} {image}",
        "{image} in {spot}",
        "{mood} {noun}",
        "{image} and {image}",
    ),
    "band": (
        "The {mood} {image}",
        "{mood} {noun}",
        "{colour} {image}",
        "{nature} {show}",
    ),
    "playlist": (
        "{exercise} {sport} mix",
        "{mood} {when}",
        "{theme} {image}",
        "{event} songs",
    ),
    "dish": (
        "{taste} {food} {served}",
        "{taste} {food}",
        "{food} {served} with {food}",
    ),
    "restaurant": (
        "{nature} {trade}",
        "{taste} {trade}",
        "The {nature} {trade}",
    ),
    "hotel": (
        "{nature} {stay}",
        "{mood} {stay}",
        "{stay} {nature}",
        "Grand {nature} {stay}",
    ),
    "product": (
        "{colour} {stuff} {good}",
        "{stuff} {good}",
        "{colour} {good}",
    ),
    "headline": (
        "{who} {did} {what}",
        "{who} {did} {what} {when}",
    ),
    "podcast": (
        "{theme} {show}",
        "The {mood} {show}",
        "{theme} and {theme}",
    ),
    "episode": (
        "The {noun} of {spot}",
        "{mood} {image}, explained",
        "Why {who} {did} {what}",
        "A {noun} and a {noun}",
    ),
    "app": (
        "{tool} {app}",
        "{app} {show}",
        "{mood} {app}",
    ),
    "file": (
        "{paperwork} {about}",
        "{work} {paperwork}",
        "{paperwork} {about} {about}",
    ),
    "folder": (
        "{work} {paperwork}",
        "{album} {spot}",
        "{theme} {meet}",
    ),
    "album": (
        "{album} in {spot}",
        "{album} with {person}",
        "{mood} {album}",
    ),
    "workout": (
        "{exercise} {sport}",
        "{exercise} {sport} in {spot}",
        "{sport} to {place}",
    ),
    "device": ("{room} {device}",),
    "film": (
        "The {mood} {noun}",
        "{image} of {spot}",
        "The {noun} and the {noun}",
        "{mood} {image}",
    ),
    "recipe": (
        "{taste} {food} {served}",
        "{taste} {served} with {food}",
        "{food} {served}",
    ),
    "query": (
        "{search} {object}",
        "{work} {object}",
        "{object} in {spot}",
    ),
    "site": (
        "{site}",
        "{theme} {site}",
        "The {mood} {site}",
    ),
    "group": (
        "{group} {spot}",
        "{group} {about}",
        "{theme} {group}",
    ),
    "remark": (
        "For {reason}",
        "{reason} {when}",
        "Share of {reason}",
        "{reason} with {person}",
    ),
    "landmark": (
        "{nature} {stay}",
        "{mood} museum",
        "{nature} park",
        "{nature} market",
        "{mood} library",
        "{nature} station",
    ),
}
"""Patterns by kind of phrase."""
