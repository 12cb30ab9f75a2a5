using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>What execution needs of a step that sends one message (<c>DBOS.send</c>) or several at once (<c>DBOS.sendBulk</c>).</summary>
internal interface ISendStep
{
    /// <summary>Perhaps none, for a step that sends several.</summary>
    IReadOnlyList<OutgoingMessage> Messages { get; }

    /// <summary>Null: MessagePack.</summary>
    PayloadFormat? Format { get; }
}

/// <summary>Sends messages: one, or several at once under a name of their own.</summary>
internal sealed class SendStep(string name, IReadOnlyList<OutgoingMessage> messages, PayloadFormat? format) : Step<Unit>(name), ISendStep
{
    public IReadOnlyList<OutgoingMessage> Messages { get; } = messages;

    public PayloadFormat? Format { get; } = PayloadFormats.Check(format);
}
