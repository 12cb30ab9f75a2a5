using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that sends one message (<c>DBOS.send</c>) or several at once (<c>DBOS.sendBulk</c>).</summary>
internal interface ISendStep
{
    /// <summary>May be empty for a step that sends several.</summary>
    IReadOnlyList<OutgoingMessage> Messages { get; }

    /// <summary>Null: MessagePack.</summary>
    PayloadFormat? Format { get; }
}

/// <summary>Sends one message, or several at once under a different name.</summary>
internal sealed class SendStep(string name, IReadOnlyList<OutgoingMessage> messages, PayloadFormat? format) : Step<Unit>(name), ISendStep
{
    public IReadOnlyList<OutgoingMessage> Messages { get; } = messages;

    public PayloadFormat? Format { get; } = PayloadFormats.Check(format);
}
