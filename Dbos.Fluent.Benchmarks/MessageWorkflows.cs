using System.Collections.Concurrent;
using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>The workflows that talk to each other or to the outside.</summary>
internal static class MessageWorkflows
{
    /// <summary>Sends to its partner and waits for the answer, as often as the input says.</summary>
    public static readonly WorkflowDefinition<(string Partner, int Times), int> Ping =
        Workflow.Define<(string Partner, int Times), int>("ping", RunPing);

    /// <summary>Answers what comes.</summary>
    public static readonly WorkflowDefinition<(string Partner, int Times), int> Pong =
        Workflow.Define<(string Partner, int Times), int>("pong", RunPong);

    /// <summary>Receives moments and gives, for each, how much later it was received, in milliseconds.</summary>
    public static readonly WorkflowDefinition<int, double[]> Arrivals = Workflow.Define<int, double[]>("arrivals", RunArrivals);

    /// <summary>Sets as many events as the input says, one after the other, and notes when.</summary>
    public static readonly WorkflowDefinition<int, int> Events = Workflow.Define<int, int>("events", RunEvents);

    /// <summary>Writes values to a stream, one step each, perhaps with a pause before each.</summary>
    public static readonly WorkflowDefinition<(int Values, int PauseMs), int> Stream =
        Workflow.Define<(int Values, int PauseMs), int>("stream", RunStream);

    /// <summary>Writes values to a stream from inside a step, as many at once as the input says.</summary>
    public static readonly WorkflowDefinition<(int Values, int AtOnce), int> StreamInStep =
        Workflow.Define<(int Values, int AtOnce), int>("stream in step", RunStreamInStep);

    public static ConcurrentQueue<double> RoundTrips { get; } = [];

    public static ConcurrentDictionary<string, long> SetAt { get; } = [];

    private static async IAsyncEnumerable<StepOr<int>> RunPing((string Partner, int Times) input, WorkflowContext workflow)
    {
        for (var i = 0; i < input.Times; i++)
        {
            var began = Stopwatch.GetTimestamp();
            yield return Step.Send(input.Partner, i);
            yield return Step.Receive<int>();
            RoundTrips.Enqueue(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        yield return input.Times;
    }

    private static async IAsyncEnumerable<StepOr<int>> RunPong((string Partner, int Times) input, WorkflowContext workflow)
    {
        for (var i = 0; i < input.Times; i++)
        {
            yield return Step.Receive<int>().As(out var message);
            yield return Step.Send(input.Partner, message.Result);
        }

        yield return input.Times;
    }

    private static async IAsyncEnumerable<StepOr<double[]>> RunArrivals(int count, WorkflowContext workflow)
    {
        var late = new double[count];
        yield return Step.SetEvent("ready", true);
        for (var i = 0; i < count; i++)
        {
            yield return Step.Receive<long>().As(out var sent);
            late[i] = Stopwatch.GetElapsedTime(sent.Result).TotalMilliseconds;
            yield return Step.SetEvent("got", i);
        }

        yield return late;
    }

    private static async IAsyncEnumerable<StepOr<int>> RunEvents(int count, WorkflowContext workflow)
    {
        for (var i = 0; i < count; i++)
        {
            yield return Step.Run("pause", async _ => await Task.Delay(20));
            SetAt[$"k{i}"] = Stopwatch.GetTimestamp();
            yield return Step.SetEvent($"k{i}", i);
        }

        yield return count;
    }

    private static async IAsyncEnumerable<StepOr<int>> RunStream((int Values, int PauseMs) input, WorkflowContext workflow)
    {
        for (var i = 0; i < input.Values; i++)
        {
            if (input.PauseMs > 0)
            {
                yield return Step.Run("pause", async _ => await Task.Delay(input.PauseMs));
            }

            yield return Step.WriteStream("s", Stopwatch.GetTimestamp());
        }

        yield return Step.CloseStream("s");
        yield return input.Values;
    }

    private static async IAsyncEnumerable<StepOr<int>> RunStreamInStep((int Values, int AtOnce) input, WorkflowContext workflow)
    {
        yield return Step.Run("write", async step =>
        {
            for (var i = 0; i < input.Values; i += input.AtOnce)
            {
                await Task.WhenAll(Enumerable.Range(i, input.AtOnce).Select(value => step.Client.WriteStreamAsync("s", value)));
            }
        });
        yield return input.Values;
    }
}
