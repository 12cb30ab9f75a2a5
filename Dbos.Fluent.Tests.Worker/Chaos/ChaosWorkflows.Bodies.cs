namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>What the workflows do. The first thing each run does is to note when it began.</summary>
internal sealed partial class ChaosWorkflows
{
    private async IAsyncEnumerable<StepOr<string>> RunChain(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        var results = new List<string>();
        for (var step = 0; step < 5; step++)
        {
            yield return Effect(began, Text(step)).As(out var effect);
            results.Add(effect.Result);
        }

        yield return string.Join(',', results);
    }

    private IAsyncEnumerable<StepOr<string>> RunNap(int number, WorkflowContext workflow) =>
        SleepAsync(TimeSpan.FromMilliseconds(50 + (number * 37 % 400)));

    // Longer than an engine keeps a sleeping workflow in memory.
    private IAsyncEnumerable<StepOr<string>> RunSleeper(int number, WorkflowContext workflow) =>
        SleepAsync(TimeSpan.FromMilliseconds(1500 + (number * 97 % 1500)));

    private async IAsyncEnumerable<StepOr<string>> SleepAsync(TimeSpan duration)
    {
        var began = ChaosLedger.NowMicros();
        yield return Effect(began, "before");
        yield return Step.Sleep(duration);
        yield return Effect(began, "after");
        yield return "awake";
    }

    private async IAsyncEnumerable<StepOr<string>> RunReceiver(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        var messages = new List<int>();
        yield return Effect(began, "before");
        for (var message = 0; message < MessageCount; message++)
        {
            yield return Step.Receive<int>("numbers").As(out var received);
            messages.Add(received.Result);
        }

        yield return Effect(began, "after");
        yield return string.Join(',', messages);
    }

    private async IAsyncEnumerable<StepOr<string>> RunSender(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        yield return Effect(began, "before");
        for (var message = 0; message < MessageCount; message++)
        {
            yield return Step.Send(IdOf("receiver", number), message, "numbers");
            if (message == 1 && number % 2 == 1)
            {
                // The receiver of every other pair leaves memory meanwhile.
                yield return Step.Sleep(TimeSpan.FromMilliseconds(1800));
            }
        }

        yield return Effect(began, "after");
        yield return "sent";
    }

    private async IAsyncEnumerable<StepOr<string>> RunSetter(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        yield return Effect(began, "before");
        yield return Step.Sleep(TimeSpan.FromMilliseconds(number * 53 % 1800));
        yield return Step.SetEvent("number", number);
        yield return Effect(began, "after");
        yield return "set";
    }

    private async IAsyncEnumerable<StepOr<string>> RunGetter(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        yield return Effect(began, "before");
        yield return Step.GetEvent<int>(IdOf("setter", number), "number", Never).As(out var got);
        yield return Effect(began, "after");
        yield return got.Result.HasValue ? Text(got.Result.Value) : "nothing";
    }

    private async IAsyncEnumerable<StepOr<string>> RunWriter(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        yield return Effect(began, "before");
        for (var value = 0; value < MessageCount; value++)
        {
            yield return Step.WriteStream("numbers", value);
        }

        yield return Step.CloseStream("numbers");
        yield return Effect(began, "after");
        yield return "written";
    }

    private async IAsyncEnumerable<StepOr<string>> RunReader(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        var values = new List<int>();
        yield return Effect(began, "before");
        while (true)
        {
            yield return Step.ReadStream<int>(IdOf("writer", number), "numbers", values.Count, Never).As(out var read);
            if (!read.Result.HasValue)
            {
                break;
            }

            values.Add(read.Result.Value);
        }

        yield return Effect(began, "after");
        yield return string.Join(',', values);
    }

    private async IAsyncEnumerable<StepOr<string>> RunCaller(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        yield return Effect(began, "before");
        yield return Step.Call(Child, number).As(out var child);
        yield return Effect(began, "after");
        yield return child.Result;
    }

    private async IAsyncEnumerable<StepOr<string>> RunFan(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        yield return Effect(began, "before");
        yield return Step.StartMany(Child, [.. Enumerable.Repeat(number, ChildCount)]).As(out var children);
        yield return Step.AwaitAll(children.Result).As(out var results);
        yield return Effect(began, "after");
        yield return string.Join(',', results.Result);
    }

    private async IAsyncEnumerable<StepOr<string>> RunChild(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        yield return Effect(began, "only");
        yield return $"child of {Text(number)}";
    }

    private async IAsyncEnumerable<StepOr<string>> RunGroup(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        yield return Step.All(Enumerable.Range(0, 5).Select(member => Effect(began, Text(member)))).As(out var members);
        yield return Effect(began, "after");
        yield return string.Join(',', members.Result);
    }

    private async IAsyncEnumerable<StepOr<string>> RunQueued(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        yield return Effect(began, "one");

        // So long that the queue is full again and again: what waits keeps its place there.
        yield return Step.Sleep(TimeSpan.FromMilliseconds(250));
        yield return Effect(began, "two");
        yield return "worked";
    }

    private async IAsyncEnumerable<StepOr<string>> RunSaga(int number, WorkflowContext workflow)
    {
        var began = ChaosLedger.NowMicros();
        foreach (var name in (string[])["one", "two"])
        {
            yield return Step.Run(name, step => EffectAsync(step, began, name))
                .CompensateWith(undo => EffectAsync(undo, began, name + ".compensate"));
        }

        throw new TimeoutException("Nothing came of it.");
    }
}
