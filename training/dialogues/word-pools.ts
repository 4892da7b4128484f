// The fixed vocabulary the dialogues draw on. Order matters only for the
// categories that can be listed: lists follow it, so that no item repeats.

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

export const FIRST_NAMES: readonly string[] = words(`
  Anna Ben Clara David Emma Felix Grace Henry Iris Jack Kate Liam Mia Noah Olivia Paul Quinn Rosa Sam Tina
  Uma Victor Wendy Xavier Yara Zoe Adam Bella Carlos Diana Elias Fiona George Hannah Ivan Julia Karl Laura
  Marco Nina Oscar Petra Ralf Sofia Thomas Ursula Vera Walter Yusuf Zara Alice Bruno Cora Dylan Ella Frank
  Gina Hugo Ines Jonas Kira Leo Maria Nora Omar Peter Rita Simon Tara Viktor Lena Max Ada Igor Mona Stefan
  Amir Priya Kenji Yuki Chen Ling Raj Aisha Kofi Amara Diego Lucia Mateo Elena Pierre Chloe Sven Astrid Olga
  Dmitri Fatima Hassan Leila Tariq Miguel Carmen Paolo Giulia Lars Ingrid Aaron Betty Cedric Doris Edgar Flora
  Gavin Helen Isaac Jenny Kevin Lily Martin Nancy Oliver Paula Robert Sarah Tom Violet William Lucas Eva Jan`);

export const COLOURS: readonly string[] = words(`
  red blue green yellow orange purple pink brown black white grey gold silver turquoise violet crimson beige
  indigo teal maroon`);

export const ANIMALS: readonly string[] = words(`
  cat dog horse cow sheep goat pig rabbit fox wolf bear lion tiger elephant monkey zebra giraffe camel deer
  mouse squirrel owl eagle penguin`);

export const FRUITS: readonly string[] = words(`
  apple banana cherry orange lemon grape peach pear plum mango melon kiwi apricot pineapple strawberry
  blueberry raspberry coconut papaya fig`);

export const COUNTRIES: readonly string[] = words(`
  France Germany Italy Spain Portugal Greece Poland Sweden Norway Finland Denmark Ireland Japan China India
  Brazil Canada Mexico Egypt Kenya`);

export const CITIES: readonly string[] = words(`
  Paris Berlin Rome Madrid Lisbon Athens Warsaw Stockholm Oslo Helsinki Copenhagen Dublin Tokyo Beijing Delhi
  London Vienna Prague Cairo Nairobi`);

export const VEGETABLES: readonly string[] = words(`
  carrot potato tomato onion pepper cabbage spinach lettuce cucumber pea bean leek garlic pumpkin broccoli
  radish celery turnip beetroot corn`);

export const BIRDS: readonly string[] = words(`
  owl eagle robin sparrow swan duck goose crow raven pigeon parrot penguin hawk falcon stork heron`);

export const INSTRUMENTS: readonly string[] = words(`
  piano guitar violin flute drum trumpet cello harp clarinet saxophone organ banjo`);

export const DAYS: readonly string[] = words(
  `Monday Tuesday Wednesday Thursday Friday Saturday Sunday`,
);

export const MONTHS: readonly string[] = words(`
  January February March April May June July August September October November December`);

export const FOODS: readonly string[] = words(`
  pizza pasta soup bread cheese rice salad cake chocolate honey pancakes sushi curry stew noodles waffles`);

export const JOBS: readonly string[] = words(`
  teacher doctor baker gardener painter pilot farmer writer nurse cook sailor carpenter engineer singer`);

export const HOBBIES: readonly string[] = words(`
  chess painting swimming reading cycling fishing dancing cooking singing hiking running knitting climbing`);

export const PLAIN_WORDS: readonly string[] = words(`
  table chair window garden river stone cloud flower paper pencil candle mirror bottle basket hammer ladder
  lamp door house tree leaf moon star sun rain snow wind fire water earth sand road bridge tower castle boat
  ship train plane wheel clock bell book letter word music song dance game ball doll kite drum flag coin gold
  iron glass wood wool silk salt sugar milk butter egg bread cake soup spoon fork knife plate cup pot bowl
  bird fish frog snake bee ant spider cat dog fox wolf bear lion tiger horse sheep goat duck swan hand foot
  head nose mouth ear eye hair arm leg heart smile dream story friend mother father sister brother king queen
  prince farmer doctor teacher summer winter spring autumn morning night week month year minute hour green
  yellow purple orange happy quiet clever gentle strong simple little market village forest island valley
  mountain ocean desert planet rocket engine button pocket jacket ribbon blanket pillow carpet kitchen school
  church palace wagon camera violin guitar pepper carrot tomato potato lemon cherry melon walnut almond honey`);

export const STORY_HEROES: readonly string[] = words(`
  fox wolf bear cat dog mouse owl rabbit dragon robot knight sailor king queen princess wizard farmer baker
  pirate giant fairy turtle frog duck penguin lion tiger horse hedgehog squirrel child girl boy gardener ghost
  star cloud tree train boat snowman unicorn painter teacher pilot clown bee spider whale dolphin elephant`);

export const TOPICS: readonly string[] = words(`
  politics football physics chemistry history philosophy medicine law taxes money stocks weather religion
  economics biology astronomy geology poetry opera cinema fashion travel hotels flights trains cars engines
  computers software databases networks cookies recipes wine coffee tea gardening plumbing wiring carpentry
  insurance mortgages loans banks elections wars empires dinosaurs volcanoes earthquakes oceans planets gravity
  electricity magnetism atoms molecules genes viruses vaccines vitamins diets yoga marathons tennis basketball
  cricket rugby skiing sailing photography sculpture architecture grammar linguistics algebra geometry calculus
  statistics logic chess poker bitcoin robots satellites rockets submarines helicopters bridges tunnels`);
