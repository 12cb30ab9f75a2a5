using Dbos.Fluent.Benchmarks;

const string Help = """
    Measures Dbos.Fluent. Every figure is printed as median (min-max) over the rounds. The modes seq, tput, messages,
    stream, queue, drain, claims and cancel first run for warm=10 seconds that are not measured.

      dotnet run -c Release --project Dbos.Fluent.Benchmarks -- MODE [--postgres "<connection string>" | --sqlite <file>] [name=value ...]

      seq       workflows of 10 steps one at a time, beside 12 single-row inserts   rounds=5 n=150 steps=10
      tput      workflows of 3 steps, many in flight                                 rounds=3 n=20000 width=64 steps=3
      replay    an unfinished workflow with many recorded steps, owner killed        rounds=5 steps=5000
      recover   many unfinished workflows, owner killed                              rounds=5 n=1000 steps=5
      takeover  the same by another engine that lives and has work of its own       rounds=3 n=1000 steps=5 lease=5 width=16
      launch    process start to launched, beside a bare program                     rounds=7
      messages  a message there and back, to another process, an event set and got    rounds=3 n=200
      stream    stream values written from a workflow and from steps, and read        rounds=3 n=2000
      sleepers  workflows that all sleep to one moment                                n=100000 seconds=90
      rows      launch on very many sleeping rows (copied by SQL: a database to throw away)   rounds=3 n=1000000
      queue     enqueue to the first line and to the result, here and in another process   rounds=3 n=200
      drain     a backlog worked off under limits of several kinds, and put there     rounds=3 n=20000 queue=
      claims    a claim of 100 where few wait, where very many do, and behind those of another version (made by SQL: a database to
                throw away)                                                          rounds=3 n=1000000 foreign=500000 claims=50
      idle      an idle engine with ten queues                                        rounds=3
      cancel    a cancel to the token of a running step, here and in another engine   rounds=3 n=50
      manage    pages of lists by each filter and counts over a long table (made by SQL: a database to throw away)   rounds=3 n=1000000
      retain    ended workflows deleted, and a steady load beside it (likewise)       rounds=3 n=200000 rate=500 seconds=20
      drill     three engines under load, one killed again and again; Postgres   seconds=180 every=20 replace=5 quiet=60 lease=15
      chaos     every kind of workflow in four processes under every fault, on a server of its own   seconds=30 workflows=5000 seed=
      yield     a yield restored from history, in memory (BenchmarkDotNet)
    """;

var run = Arguments.Parse(args);
return run.Mode switch
{
    "seq" => await SequentialMode.RunAsync(run),
    "tput" => await ThroughputMode.RunAsync(run),
    "replay" => await ReplayMode.RunAsync(run),
    "recover" => await RecoverMode.RunAsync(run),
    "takeover" => await TakeoverMode.RunAsync(run),
    "drill" => await DrillMode.RunAsync(run),
    "drill-serve" => await DrillMode.ServeAsync(run),
    "launch" => await LaunchMode.RunAsync(run),
    "messages" => await MessagesMode.RunAsync(run),
    "stream" => await StreamMode.RunAsync(run),
    "sleepers" => await SleepersMode.RunAsync(run),
    "rows" => await SleepersMode.RowsAsync(run),
    "cancel" => await CancelMode.RunAsync(run),
    "queue" => await QueueLatencyMode.RunAsync(run),
    "drain" => await DrainMode.RunAsync(run),
    "claims" => await ClaimsMode.RunAsync(run),
    "idle" => await IdleMode.RunAsync(run),
    "manage" => await ManageMode.RunAsync(run),
    "retain" => await RetainMode.RunAsync(run),
    "queue-serve" => await QueueLatencyMode.ServeAsync(run),
    "receive" => await MessagesMode.ReceiveAsync(run),
    "chaos" => await ChaosMode.RunAsync(run),
    "yield" => YieldMode.Run(),
    "fill" => await FillProcess.RunAsync(run),
    "launch-once" => await LaunchMode.OnceAsync(run),
    "bare-once" => await LaunchMode.BareAsync(run),
    _ => PrintHelp(),
};

static int PrintHelp()
{
    Console.WriteLine(Help);
    return 0;
}
