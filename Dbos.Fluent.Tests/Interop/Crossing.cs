using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Dbos.Fluent.Tests.Serialization;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>A value on its way between C# and TypeScript, or one that does not pass.</summary>
/// <param name="Group">What it is an example of.</param>
/// <param name="Value">The value in C#, as code; the type alone where no value comes of it.</param>
internal abstract record Crossing(string Group, string Value)
{
    /// <summary>Its place in the table.</summary>
    public int Number { get; init; }

    /// <summary>The workflow here that the other side calls with it.</summary>
    public string WorkflowName => $"crossing {Number}";

    /// <summary>What TypeScript sends, as code; null where nothing is sent from there.</summary>
    public string? Sent { get; init; }

    /// <summary>What TypeScript gets: from C#, and back from there.</summary>
    public string? Seen { get; init; }

    /// <summary>What C# gets back where that differs from what it sent.</summary>
    public string? Back { get; init; }

    /// <summary>True if it begins in C#.</summary>
    public bool FromDotnet { get; init; }

    /// <summary>The error, where it does not pass.</summary>
    public string? Error { get; init; }

    /// <summary>Words of the error's message.</summary>
    public string? Because { get; init; }

    /// <summary>The value as text that only an equal value has; and the one that comes back.</summary>
    public abstract string Exact { get; }

    public abstract string ExactBack { get; }

    /// <summary>What it is, for whoever reads of a failure.</summary>
    public sealed override string ToString() => $"{Group}: {Value}, TypeScript: {Sent ?? Seen}";

    /// <summary>A workflow that notes what it was given, under its id, and returns it.</summary>
    public abstract WorkflowDefinition Echo(ConcurrentDictionary<string, string> arrived);

    /// <summary>Starts the workflow <c>echo</c> of the TypeScript process with the value, and gives what comes back as text.</summary>
    public abstract Task<string> CrossToTypeScriptAsync(WorkflowClient client, string id, CancellationToken cancellationToken);
}

/// <inheritdoc cref="Crossing"/>
internal sealed record Crossing<T>(string Group, string Value, T Given) : Crossing(Group, Value)
{
    public T Returned { get; init; } = Given;

    public override string Exact => ExactOf(Given);

    public override string ExactBack => ExactOf(Returned);

    public override WorkflowDefinition Echo(ConcurrentDictionary<string, string> arrived)
    {
        return Workflow.Define<T, T>(WorkflowName, RunAsync);

        async IAsyncEnumerable<StepOr<T>> RunAsync(T input, WorkflowContext workflow)
        {
            arrived[workflow.WorkflowId] = ExactOf(input);
            yield return StepOr.Result(input);
        }
    }

    public override async Task<string> CrossToTypeScriptAsync(WorkflowClient client, string id, CancellationToken cancellationToken)
    {
        var echo = Workflow.Declare<T, T>("echo", PayloadFormat.PortableJson);
        var options = new StartOptions { Id = id, Queue = InteropBed.TypeScriptQueue };
        var handle = await client.StartAsync(echo, Given, options, cancellationToken);
        return ExactOf(await handle.GetResultAsync(cancellationToken));
    }

    private static string ExactOf(T value) => value is JsonElement element ? element.GetRawText() : ExactText.Of(value);
}

/// <summary>Makes the crossings of one group. Values are told by the code they stand as.</summary>
internal sealed class CrossingGroup(string name, List<Crossing> all)
{
    private const string Here = nameof(SerializationFailedException);
    private const string There = "TypeError";

    /// <summary>Goes both ways: TypeScript sends one expression and gets another, or the same.</summary>
    public CrossingGroup Both<T>(T value, string sent, string? seen = null, [CallerArgumentExpression(nameof(value))] string code = "") =>
        Add(new Crossing<T>(name, code, value) { Sent = sent, Seen = seen ?? sent, FromDotnet = true });

    /// <summary>What TypeScript sends arrives as a value, which goes back in a form of its own.</summary>
    public CrossingGroup FromTypeScript<T>(
        T value, string sent, string seen, [CallerArgumentExpression(nameof(value))] string code = "") =>
        Add(new Crossing<T>(name, code, value) { Sent = sent, Seen = seen });

    /// <summary>What C# sends comes back as another value.</summary>
    public CrossingGroup FromDotnet<T>(
        T value,
        string seen,
        T back,
        [CallerArgumentExpression(nameof(value))] string code = "",
        [CallerArgumentExpression(nameof(back))] string backCode = "") =>
        Add(new Crossing<T>(name, code, value) { Seen = seen, Back = backCode, Returned = back, FromDotnet = true });

    /// <summary>What TypeScript sends is no value of the type: the workflow here fails.</summary>
    public CrossingGroup RefusedHere<T>(string type, string sent, string because) =>
        Add(new Crossing<T>(name, type, default!) { Sent = sent, Error = Here, Because = because });

    /// <summary>TypeScript refuses to send it.</summary>
    public CrossingGroup RefusedThere(string sent, string because) =>
        Add(new Crossing<JsonElement>(name, "", default) { Sent = sent, Error = There, Because = because });

    /// <summary>C# refuses to send it.</summary>
    public CrossingGroup RefusedToLeave<T>(T value, string because, [CallerArgumentExpression(nameof(value))] string code = "") =>
        Add(new Crossing<T>(name, code, value) { FromDotnet = true, Error = Here, Because = because });

    private CrossingGroup Add(Crossing crossing)
    {
        all.Add(crossing with { Number = all.Count });
        return this;
    }
}
