"""How else people would say what the tasks' labels say, free values included."""

from __future__ import annotations

ALSO: dict[str, tuple[str, ...]] = {
    "click-button": ("Press {text}.", "Find the button {text} and click it."),
    "click-link": ("Follow the link {text}.", "Open the link that says {text}."),
    "click-checkboxes": ("Check {items}, then submit.", "Select the boxes {items} and send the form."),
    "click-checkboxes-large": (
        "Check {items} among the many boxes and submit.",
        "Select {items} in both columns, then send the form.",
    ),
    "click-option": ("Select {item} and submit.", "Pick the radio button {item} and send it."),
    "choose-list": ("Pick {item} in the drop-down.", "Set the drop-down list to {item}."),
    "click-scroll-list": ("Mark {items} in the list.", "Scroll through the list and choose {items}."),
    "click-dialog-2": ("Answer the dialog with {button}.", "Click {button} in the window that came up."),
    "click-widget": ("Find a {kind} and click it.", "Press any {kind} of the form."),
    "click-tab-2": ("Find the link {text} in one of the tabs.", "Switch tabs until {text} shows and click it."),
    "click-collapsible-2": (
        "Find the link {text} in the folded sections.",
        "Unfold sections until {text} shows and click it.",
    ),
    "click-menu": ("Go through the submenus to {item}.", "Select {item} from the menu with several levels."),
    "click-menu-2": ("Pick {item} from the menu.", "Use the menu's entry {item}."),
    "navigate-tree": ("Look for {name} among the folders.", "Go through the tree to {name}."),
    "enter-text": ("Type {text} and submit.", "Fill {text} into the field and send it."),
    "enter-text-dynamic": ("Enter the code {text}.", "Fill in {text} as the code and send it."),
    "enter-text-2": ("Type {text}, all in {case} case, and submit.", "Enter {text} using {case} case letters only."),
    "enter-password": ("Choose a password and confirm it.", "Type a new password two times."),
    "enter-date": ("Fill in the date {date}.", "Type {date} into the date field and send it."),
    "enter-time": ("Fill in the time {time}.", "Type {time} into the time field and send it."),
    "login-user": ("Sign in as {username}.", "Use the account {username} to log in."),
    "login-user-popup": (
        "Close the pop-up and sign in as {username}.",
        "Get past the pop-up to log in as {username}.",
    ),
    "find-word": ("Copy {answer} out of the paragraph.", "Look the word {answer} up in the text and enter it."),
    "read-table": ("Look up the {key} {answer} and type it.", "Copy {answer}, the {key}, out of the table."),
    "read-table-2": (
        "Look up {key1} and {key2} in the table: {first} and {second}.",
        "Copy {first} for {key1} and {second} for {key2}.",
    ),
    "copy-paste": ('Paste "{text}" into the field.', 'Take over the text "{text}" by copy and paste.'),
    "text-transform": ("Read the twisted letters {text} and enter them.", "Solve the captcha {text}."),
    "simple-arithmetic": ("Answer {problem} with {answer}.", "Calculate {problem} and enter {answer}."),
    "simple-algebra": ("Find x = {answer} for {problem}.", "Enter {answer} as the solution of {problem}."),
    "scroll-text": (
        "Find the last word of the long text, {answer}, and type it.",
        "Read on to the end and enter {answer}.",
    ),
    "scroll-text-2": ("Go to the {edge} of the text and submit.", "Move the text to its {edge}, then send it."),
    "use-autocomplete": ("Pick {item} from the suggestions.", "Start typing and complete it to {item}."),
    "multi-layouts": (
        "Look for {genre} films by {director} made in {year}.",
        "Fill the search form with {genre}, {director} and {year}.",
    ),
    "multi-orderings": (
        "Look up {genre} films by {director} of {year}.",
        "Search the catalogue for {director}, {genre}, {year}.",
    ),
    "terminal": ("Remove {file} by a command.", "Use the command line to get rid of {file}."),
    "sign-agreement": (
        "Put the name {name} under the agreement and click {button}.",
        "As {name}, press {button} below the agreement.",
    ),
    "use-slider": ("Drag the slider to {number} and send it.", "Choose {number} with the slider."),
    "use-slider-2": ("Drag the sliders to {numbers}.", "Make the three sliders show {numbers}."),
    "use-spinner": ("Choose {number} with the arrow buttons and submit.", "Make the spinner show {number}."),
    "form-sequence": ("Move the slider to {setting}.", "Complete the form: the slider goes to {setting}."),
    "form-sequence-2": (
        "Pick the {dot} radio button, then fill in {setting} text box.",
        "Select dot {dot} and enter {setting} text box.",
    ),
    "form-sequence-3": (
        "Set the height to {height} and click {button}.",
        "Select {height} as the height, then {button}.",
    ),
    "drag-items": ("Move {name} to place {position} in the list.", "Put {name} at position {position}."),
    "drag-sort-numbers": ("Put the numbers in rising order.", "Drag the numbers until they are sorted."),
    "drag-box": ("Move the small box inside the large one.", "Drop the small box into the big box and send it."),
    "resize-textarea": (
        "Change the {what} of the text area: {how}.",
        "Resize the text box until its {what} is {how}.",
    ),
    "text-editor": ("Make the word {word} {style}.", "Format {word} as {style} in the editor."),
    "find-greatest": ("Find the highest card, {number}.", "Look under the cards for the largest number, {number}."),
    "number-checkboxes": ("Tick boxes in the shape of {number}.", "Make the checkboxes show a {number}."),
    "click-button-sequence": ("Click the buttons ONE and TWO in this order.", "First press ONE, afterwards TWO."),
    "email-inbox-delete": ("Throw {name}'s email away.", "Remove the message that {name} sent."),
    "email-inbox-important": ("Mark {name}'s email as important.", "Give the message from {name} a star."),
    "email-inbox": (
        "Scroll to {name}'s email and mark it with a star.",
        "Search the inbox for {name} and star that email.",
    ),
    "email-inbox-reply": ('Answer {name}\'s email with "{text}".', 'Write "{text}" back to {name}.'),
    "email-inbox-forward": ("Send {name}'s email on to {to}.", "Let {to} have the email from {name}."),
    "phone-book": (
        "Find {name}'s {what} in the contacts.",
        "Leaf through the contacts to {name} and open the {what}.",
    ),
    "search-engine": ("Look {text} up and open result number {nth}.", "Search for {text}, then click result {nth}."),
    "social-media": ("Press {action} below the post of {user}.", "Use {action} on what {user} wrote."),
    "social-media-all": (
        "Press {action} below every post of {user}, then submit.",
        "Use {action} on everything by {user}.",
    ),
    "social-media-some": (
        "Press {action} below {count} posts of {user}.",
        "Use {action} on {count} things that {user} wrote.",
    ),
    "choose-date": ("Select {date} in the date picker.", "Leaf to {date} in the calendar and send it."),
    "book-flight": (
        "Take the {which} flight on {date} from {origin} to {goal}.",
        "Fly from {origin} to {goal} on {date}: book the {which} connection.",
    ),
    "buy-ticket": ("Choose the ticket with the {which}.", "Compare the tickets and get the one with the {which}."),
    "order-food": ("Get one {first} and one {second}.", "Put one {first} and one {second} into the order."),
    "daily-calendar": (
        "Block {minutes} minutes for {name} in the calendar.",
        "Enter {name} with {minutes} minutes as an event.",
    ),
}
"""Templates like the tasks' labels, by the name of the page."""
