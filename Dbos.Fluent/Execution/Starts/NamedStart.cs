using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Execution;

/// <summary>A start by name, whichever application and version has the code.</summary>
/// <param name="WorkflowName">The name under which the code is registered.</param>
/// <param name="Arguments">Its positional arguments.</param>
/// <param name="Options">How it is started.</param>
internal sealed record NamedStart(string WorkflowName, IReadOnlyList<object?> Arguments, StartOptions Options)
{
    /// <summary>Arguments by name, besides the positional ones.</summary>
    public IReadOnlyDictionary<string, object?> NamedArguments { get; init; } = new Dictionary<string, object?>();

    /// <summary>Refuses a request that cannot be a start.</summary>
    /// <exception cref="ArgumentException">The name is invalid, or no queue is named.</exception>
    public void Check()
    {
        Names.CheckName(WorkflowName, "workflowName");
        ArgumentNullException.ThrowIfNull(Arguments, "arguments");
        ArgumentNullException.ThrowIfNull(Options, "options");
        if (Options.Queue is null)
        {
            throw new ArgumentException("An enqueue by name needs a queue: name it (StartOptions.Queue).", "options");
        }
    }

    /// <summary>Makes the request, with encoded arguments.</summary>
    /// <exception cref="ArgumentException">The options contradict each other, or MessagePack would hold more than one input.</exception>
    public StartRequest Request(PayloadSerializer serializer)
    {
        StartRules.Check(Options);
        return new StartRequest(WorkflowName, Encode(serializer), StartRequest.WithId(Options), IsOurs: false);
    }

    private Payload Encode(PayloadSerializer serializer) => (Options.Format, Arguments, NamedArguments.Count) switch
    {
        (PayloadFormat.PortableJson or null, _, _) => serializer.EncodeArguments(Arguments, NamedArguments),
        (_, [], 0) => serializer.EncodeInput(default(Unit), typeof(Unit), PayloadFormat.MessagePack),
        (_, [var only], 0) => serializer.EncodeArgument(only),
        _ => throw TooMany(),
    };

    private ArgumentException TooMany() => new(
        $"{Arguments.Count} positional and {NamedArguments.Count} named arguments do not fit MessagePack, which holds one input: "
        + "pass one, or leave the format open.",
        "arguments");
}
