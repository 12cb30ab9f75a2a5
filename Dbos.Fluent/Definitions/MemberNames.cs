using System.Globalization;
using System.Reflection;

namespace Dbos.Fluent.Definitions;

/// <summary>Names types, fields and methods in a way that neither a rebuild nor another version of a library changes.</summary>
/// <remarks>
/// What the compiler made for the code at hand is called by the order in which it is first met (<c>$0</c>, <c>$1</c>, …): the ordinals in
/// the
/// compiler's own names count all that stands in the file or the assembly. Everything else has its full name, without its assembly.
/// </remarks>
internal sealed class MemberNames
{
    private const string AnonymousType = "<>f__Anonymous";

    private readonly Dictionary<(Module, int), string> own = [];

    /// <summary>True for a type that the compiler nested in one of the user's, such as a closure or a state machine.</summary>
    public static bool IsGenerated(Type type) =>
        type.DeclaringType is { } outer && (HasGeneratedName(type) || IsGenerated(outer));

    /// <summary>True for a lambda, a local function, and what stands in a generated type.</summary>
    // A name that ends in $ belongs to a member that every record or program has under that very name.
    public static bool IsGenerated(MethodBase method) =>
        method.DeclaringType is { } type
        && (IsGenerated(type) || (HasGeneratedName(method) && !HasGeneratedName(type) && !method.Name.EndsWith('$')));

    public string Own(MethodBase method) => Own((MemberInfo)method) + Arguments(method);

    public string Of(Type type)
    {
        if (type.IsGenericParameter)
        {
            return (type.DeclaringMethod is null ? "!" : "!!") + type.GenericParameterPosition.ToString(CultureInfo.InvariantCulture);
        }

        if (type.GetElementType() is { } element)
        {
            return Of(element) + (type.IsArray ? $"[{type.GetArrayRank()}]" : type.IsByRef ? "&" : "*");
        }

        var arguments = type.IsGenericType ? "<" + string.Join(", ", type.GetGenericArguments().Select(Of)) + ">" : "";
        return Definition(type.IsGenericType ? type.GetGenericTypeDefinition() : type) + arguments;
    }

    public string Of(FieldInfo field) =>
        field.DeclaringType is { } type && IsGenerated(type)
            ? Of(type) + "." + Own(field)
            : DeclaringType(field) + "." + field.Name;

    public string Of(MethodBase method)
    {
        var returned = method is MethodInfo { ReturnType: var type } ? Of(type) : "";
        var parameters = string.Join(", ", method.GetParameters().Select(parameter => Of(parameter.ParameterType)));
        return $"{DeclaringType(method)}.{method.Name}{Arguments(method)}({parameters}) {returned}";
    }

    private string Definition(Type type)
    {
        if (IsGenerated(type))
        {
            return Own(type);
        }

        var outer = type.DeclaringType is { } declaring ? Definition(declaring) + "+" : type.Namespace + ".";
        return outer + (type.Name.StartsWith(AnonymousType, StringComparison.Ordinal) ? AnonymousType : WithoutFile(type.Name));
    }

    private string Own(MemberInfo member)
    {
        var key = (member.Module, member.MetadataToken);
        if (!own.TryGetValue(key, out var name))
        {
            own[key] = name = string.Create(CultureInfo.InvariantCulture, $"${own.Count}");
        }

        return name;
    }

    private string DeclaringType(MemberInfo member) => member.DeclaringType is { } type ? Of(type) : "";

    private string Arguments(MethodBase method) =>
        method.IsGenericMethod ? "<" + string.Join(", ", method.GetGenericArguments().Select(Of)) + ">" : "";

    private static bool HasGeneratedName(MemberInfo member) => member.Name[0] == '<' && WithoutFile(member.Name) == member.Name;

    // A file-local type is the user's: its name is <file>F, a hash of the file's path, __ and the name that was written.
    private static string WithoutFile(string name)
    {
        const int Hash = 64;
        var file = name.IndexOf(">F", StringComparison.Ordinal);
        var rest = file + ">F".Length + Hash;
        var isFileLocal = name[0] == '<' && file > 0 && name.Length > rest && name.AsSpan(rest).StartsWith("__");
        return isFileLocal ? name[(rest + "__".Length)..] : name;
    }
}
